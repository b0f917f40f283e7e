"""Laws of the papers solved in closed form: by algebra, then along computed flows.

The laws are those of Arora et al. (2018, 2019) for singular values, which components of tensors
share (Razin, Maman & Cohen 2021, 2022), and the completion problem of Razin & Cohen (2020). N or L
factors (`depth`), sigma a singular value, gamma its alignment, goal what it comes to.

====  =============================  ===========================================================
id    file                           statement
====  =============================  ===========================================================
CF1   cf1_constant_alignment         under constant alignment sigma grows as a power, and blows up
CF2   cf2_full_observation           sigma comes to its goal: a logistic at L = 2, implicit beyond
CF3   cf3_greedy_separation          of two modes the slower stays small while the faster blows up
CF4   cf4_unbalanced                 two unbalanced factors: a hyperbolic sine
CF5   cf5_matrix_riccati             depth 2, all entries seen: a matrix Riccati equation, solved
CF6   cf6_completion_asymptotics     completion: |W_11| grows like ((2L + 2) t)^(L / (2L + 2))
====  =============================  ===========================================================
"""
