"""`manage.py bench`: how fast the product is beside what it could have been, both measured in the same run."""
