"""EASE: which products go together, in closed form (Steck 2019, Embarrassingly Shallow
Autoencoders for Sparse Data, arXiv 1905.03375).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import linalg, sparse

from ml.offers.baskets import Baskets

Weights = npt.NDArray[np.float32]

# Work grows with the cube of the products and memory with their square: 3,000 take four seconds
# and 72 MB. Those with the most buyers are kept.
MOST_ITEMS = 3_000
PENALTY = 500.0


def bought_matrix(baskets: Baskets, count_items: int) -> Any:
    """Return customers x the first products as a sparse matrix of ones, float32."""
    is_kept = baskets.item < count_items
    rows, columns = baskets.customer[is_kept], baskets.item[is_kept]
    shape = (len(baskets.customers), count_items)
    matrix = sparse.csr_array((np.ones(len(rows), dtype=np.float32), (rows, columns)), shape=shape)
    matrix.sum_duplicates()
    matrix.data[:] = 1.0
    return matrix


def learn_weights(baskets: Baskets, *, penalty: float = PENALTY) -> Weights:
    """Return B, products x products: what having bought the row adds for the column.

    B = P / -diag(P) with P = (X'X + penalty I)^-1 and a diagonal of zeros (equation 8 there): the
    least squares of buying a product from all others, drawn to zero. At most MOST_ITEMS products.
    """
    count_items = min(len(baskets.items), MOST_ITEMS)
    bought = bought_matrix(baskets, count_items).astype(np.float64)
    gram = (bought.T @ bought).toarray()
    gram[np.diag_indices(count_items)] += penalty
    factor, _ = linalg.lapack.dpotrf(gram, lower=True, overwrite_a=True)
    inverse, _ = linalg.lapack.dpotri(factor, lower=True, overwrite_c=True)
    inverse = np.tril(inverse) + np.tril(inverse, -1).T
    weights = inverse / -np.diag(inverse)
    weights[np.diag_indices(count_items)] = 0.0
    return np.asarray(weights, dtype=np.float32)
