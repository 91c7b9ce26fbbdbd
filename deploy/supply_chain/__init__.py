"""What the bus is built from: a bill of materials, licences, known vulnerabilities. From files, offline."""
