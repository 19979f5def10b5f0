"""Linear scorers: weights over named signals, probabilities, and the reasons for them."""
