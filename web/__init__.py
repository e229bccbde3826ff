"""The HTML door: the site, and the admin for staff."""
