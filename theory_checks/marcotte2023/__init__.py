"""How many conservation laws there are, after Marcotte, Gribonval & Peyré (2023, 2024): theorems C.

A law of a model is a function of its parameters that the gradient flow of every loss keeps. Upper
bounds are ranks modulo a prime at an integer point, which prove them; lower bounds are laws that
were expanded. Both are measured at two points, and must agree.

====  ==========================  ====================================================
id    file                        statement
====  ==========================  ====================================================
C.1   `c1_two_layers.py`          two linear layers: k (2 r + 1 - k) / 2 laws
C.2   `c2_low_rank.py`            orbits through points of low rank
C.3   `c3_deep_linear.py`         square deep networks: balancedness, and nothing else
C.4   `c4_sums.py`                sums of rank-one tensors: R (N - 1) laws
C.5   `c5_trees.py`               trees: one law for each child of each component
C.6   `c6_symmetric.py`           symmetric tensors of order three and more: none
C.7   `c7_trained.py`             trained coefficients: |u|^2 - l c^2
C.8   `c8_momentum.py`            momentum: antisymmetric laws, with a factor exp(tau t)
C.9   `c9_problems.py`            problems may have more laws than their models
C.10  `c10_attention.py`          attention: two blocks of two layers each
====  ==========================  ====================================================

The counts of C.1 and C.3 are theirs; the others are derived, and computed by `cases.py`.
"""
