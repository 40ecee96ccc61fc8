"""How good a classifier is, said honestly: metrics, calibration, splits, findings, and the reports made of them."""
