"""Deep matrix factorization: Arora et al. (2018, 2019), theorems A.1 to A.5."""
