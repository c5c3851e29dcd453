"""How archives lay products out, and finding a product in them."""
