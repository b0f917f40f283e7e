"""Linear classification of separable data: Soudry et al. (2018), theorems N1.

Rows z of the data are inputs times their labels; the loss is the sum of exp(-z w), or of
log(1 + exp(-z w)), and gamma the maximal margin. The shortest w with all margins at least 1 is
w^ = sum_i alpha_i z_i, over the support vectors. Flows go to t = 1e26.

====== ========================= ===================================================================
N1.1   n1_residual               w - w^ log t converges, and to what
N1.2   n2_loss                   bounds on the loss, and its limit
N1.3   n3_margin_gap             the margin's gap times log t tends to an entropy
====== ========================= ===================================================================
"""
