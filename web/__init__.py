"""The pages: the site, and the admin for staff."""
