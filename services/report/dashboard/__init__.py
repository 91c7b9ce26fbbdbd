"""The dashboard: pages for officers, drawn from the view and the public interfaces."""
