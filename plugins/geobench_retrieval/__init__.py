"""What methods that look for neighbours share: exact search, and a density of what is found;
registers nothing.

All modules but `kernel` import FAISS: a method that uses them names `faiss` in `requires` and
imports them inside `fit`, `predict` and `restore`.
"""
