"""`python -m cart_nlp` is `cart-nlp`."""

from cart_nlp.cli import main

if __name__ == "__main__":
    main()
