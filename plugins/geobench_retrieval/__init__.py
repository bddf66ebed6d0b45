"""What methods that look for neighbours share: exact search, and a density of what is found;
registers nothing.

`geobench_retrieval.exact` imports FAISS: a method that uses it names `faiss` in `requires` and
imports it inside `fit`, `predict` and `restore`.
"""
