"""`python -m deploy.local`: what ./run calls."""

from deploy.local.cli import main

main()
