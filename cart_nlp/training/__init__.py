"""Labels and signals in, weights out: fitting, cross-validation and cards. Needs scikit-learn and scipy."""
