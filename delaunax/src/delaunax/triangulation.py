"""The Delaunay triangulation of points in the plane, in pure JAX and exact."""

from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from delaunax import platform
from delaunax.arguments import as_given, coordinates_from
from delaunax.certificate import certify, checks_of
from delaunax.insertion.incremental import triangulate_by_insertion
from delaunax.platform.dispatch import by_platform
from delaunax.stars.star_splaying import triangulate_by_stars
from delaunax.tables import kd_tree
from delaunax.tables.kd_tree import KDTree, build_kd_tree
from delaunax.tables.simplices import dual_areas_from, vertex_simplex_from


class Triangulation(NamedTuple):
    """A Delaunay triangulation of N vertices, in arrays of fixed shape, so that it can be traced.

    The tables have the meaning of SciPy's (`scipy.spatial.Delaunay`) and are padded. If no two vertices coincide, T = 2N - 2
    - H rows are in use, where H is the number of hull edges.

    Attributes
    ----------
    simplices
        (2N, 3) int32, the vertices of every triangle, counter-clockwise; -1 in unused rows.
    neighbors
        (2N, 3) int32, column k holds the triangle opposite vertex k; -1 at the hull and in unused rows.
    vertex_simplex
        (N,) int32, a triangle of each vertex, at which a counter-clockwise turn through all its triangles starts; -1 for a
        vertex without triangles (a duplicate).
    dual_areas
        (N,) float, a third of the area of each vertex's triangles, in squared units of the points; NaN if not certified.
    certified
        () bool, whether the tables passed the certificate (`certificate`). It is false if a coordinate is not finite; then
        the tables must not be used. For finite points it is true; anything else is a bug.
    tree
        The `tables.kd_tree.KDTree` of the points, with which `locate` starts its walks.
    """

    simplices: jax.Array
    neighbors: jax.Array
    vertex_simplex: jax.Array
    dual_areas: jax.Array
    certified: jax.Array
    tree: KDTree

    def __repr__(self) -> str:
        """The number of vertices and the certificate: the tables are too long to read."""
        number = self.vertex_simplex.shape[-1] if hasattr(self.vertex_simplex, "shape") else "?"
        return f"Triangulation({number} vertices, certified={self.certified})"

    def save(self, file: str | Path) -> None:
        """Write all tables into a file by `np.savez`. The names of the tree's tables start with `tree_`."""
        tables = self._asdict()
        tree = {f"tree_{name}": table for name, table in tables.pop("tree")._asdict().items()}
        # Given a name, `np.savez` may append to it.
        with Path(file).open("wb") as handle:
            np.savez(handle, **tables, **tree)

    @classmethod
    def load(cls, file: str | Path) -> "Triangulation":
        """A triangulation that `save` wrote, in NumPy arrays; ValueError if the file is another one."""
        try:
            with np.load(file) as saved:
                tables = dict(saved)
        except (EOFError, TypeError, ValueError, BadZipFile):
            tables = {}
        names = {*cls._fields, *(f"tree_{name}" for name in KDTree._fields)} - {"tree"}
        if names != set(tables) or not _has_rows_of_one_mesh(tables):
            raise ValueError(f"`file` {file} has other arrays than a triangulation; give one that `save` wrote.")
        tree = KDTree(*(tables.pop(f"tree_{name}") for name in KDTree._fields))
        return cls(**tables, tree=tree)


def _has_rows_of_one_mesh(tables):
    """Whether the tables have the shapes of one triangulation, or of one batch."""
    *batch, number = np.shape(tables["vertex_simplex"]) or (0,)
    rows = {
        "simplices": (2 * number, 3),
        "neighbors": (2 * number, 3),
        "dual_areas": (number,),
        "tree_unscaled": (number, 2),
    }
    return all(tables[name].shape == (*batch, *shape) for name, shape in rows.items())


def widened(triangulation: Triangulation, dtype: Any) -> Triangulation:
    """The triangulation with coordinates in a float dtype that is at least as wide as its own, for queries of that dtype."""
    return triangulation._replace(tree=kd_tree.widened(triangulation.tree, dtype))


def triangulate(points: Any) -> Triangulation:
    """The Delaunay triangulation of points in the plane; works under `jit`, `vmap` and `grad`, and on NumPy arrays.

    The triangles are exact for the points as they are stored, whatever their arrangement and scale. Ties are broken
    deterministically: co-circular points become a fan from the point with the lowest index. Of coincident points, the one
    with the lowest index gets the triangles; the others have no triangle and no area. With fewer than three distinct points,
    or all exactly on one line, there is no triangle, and the empty table is certified.

    A CPU inserts vertices one by one (`insertion`). A GPU finds the star of every vertex in lockstep (`stars`). Both find the
    same triangles.

    The integer tables are piecewise constant in the points, so gradients stop there. The dual areas are differentiable, and
    `jax.grad` gives their exact derivative almost everywhere.

    Parameters
    ----------
    points
        (N, 2) float, the vertices, N >= 1.

    Returns
    -------
    Triangulation
        With NumPy arrays if `points` is one.

    Raises
    ------
    ValueError
        If `points` is not of shape (N, 2) with N >= 1.
    TypeError
        If `points` is neither fp64 nor fp32 nor integer, or is fp64 while JAX runs in fp32.
    """
    triangulation, _ = triangulate_and_count(coordinates_from("points", points))
    return as_given(points, triangulation)


@jax.jit
def triangulate_and_count(points: Array) -> tuple[Triangulation, Array]:
    """The `Triangulation` of (N, 2) float points.

    Also () int32: how many signs a CPU decided in integers, or how many stars a GPU recomputed exactly.
    """
    tree = build_kd_tree(points)
    simplices, neighbors, vertex_simplex, certified, exact = _certified_tables(tree)
    triangulation = Triangulation(
        simplices=simplices,
        neighbors=neighbors,
        vertex_simplex=vertex_simplex,
        dual_areas=jnp.where(certified, dual_areas_from(points, simplices), jnp.nan),
        certified=certified,
        tree=tree,
    )
    return triangulation, exact


@by_platform
def _certified_tables(tree):
    return platform.choose(platform.fused(_by_insertion), _by_stars)(tree)


def _by_insertion(tree):
    simplices, neighbors, exact = triangulate_by_insertion(tree)
    checks = checks_of(tree, simplices, neighbors, vertex_simplex_from(simplices, neighbors))
    return _certified(tree, checks, exact)


def _by_stars(tree):
    return _certified(tree, *triangulate_by_stars(tree))


def _certified(tree, checks, exact):
    certified = certify(tree, checks) & jnp.isfinite(tree.unscaled).all()
    return checks.simplices, checks.neighbors, checks.vertex_simplex, certified, exact
