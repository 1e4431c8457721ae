"""The log evidence where coefficients are large, compared with QR factorizations in long double."""
