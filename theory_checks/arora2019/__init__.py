"""Arora, Cohen & Hazan (2018) and Arora, Cohen, Hu & Luo (2019): deep matrix factorization.

W = W_L ... W_1 is the product of L factors that follow the gradient flow of l(W). The factors are
*balanced* if W_{j+1}^T W_{j+1} = W_j W_j^T for all j. W has the singular value decomposition
U S V^T with singular values s_r; the *alignment* of the r-th is <-grad l(W), u_r v_r^T>.

====  =========================  ====================================================
id    file                       statement
====  =========================  ====================================================
A.1   a1_balancedness_is_con...  the flow conserves W_{j+1}^T W_{j+1} - W_j W_j^T
A.2   a2_end_to_end_dynamics     W' = -sum_j [W W^T]^((L-j)/L) grad l [W^T W]^((j-1)/L)
A.3   a3_singular_values         s_r' = L s_r^(2 - 2/L) times the alignment
A.4   a4_singular_vectors        U and V turn until U^T grad l V is diagonal
A.5   a5_determinant             det W keeps its sign
====  =========================  ====================================================
"""
