"""The words of `docs/searches/continuity.md`."""

HEAD = """# How rough is the log evidence?

The log evidence of a lens is not a smooth function of the parameters. It has a kink or a jump where the mesh changes its
structure. This page measures both. `make continuity` measures three lenses. `ARGS="--lenses cusp,cross,fold"` chooses
others, and `ARGS=--page` writes this page from the JSON files. Files of other releases are not overwritten: move them away
first. The code is in `jax_profiling/proof/continuity/`. [The glossary](../glossary.md) explains the words. The real lenses
`euclid_q1_vis` and `spt0346_52_alma` are [not in the repository](../proofs/verdicts.md#real-lenses).

![the log evidence along the Einstein radius, without its smooth part](continuity_profile.png)

Each panel shows `small` with another mesh, along the Einstein radius. A cubic polynomial is subtracted.
LARGEST

## What to use when

- **Linear interpolation** (`KNNBarycentric`, `al.mesh.Delaunay`): the log evidence jumps where an edge flips, and has a kink
  where a data point changes its triangle. Use it with searches that take no derivatives.
- **Natural neighbours** (`NaturalNeighbor`): no jump and next to no kink where a data point changes its triangle: in the
  median 3e-4 nats per prior width, where linear interpolation has 0.4. They are the smoother choice on triangles: on the real
  lens `spt0346_52_alma` (ALMA) the log evidence varies by 1.2 nats over 0.01 prior widths, where linear interpolation has 3.1.
  But [no gradient search became reliable](searches.md). Two kinds of jumps remain:
  - at a flip, if regularization has split points (`ConstantSplit`, `AdaptSplit`). The areas of triangles set the arms of
    split crosses, and a flip changes these areas abruptly. With the kernel regularization of `two_planes`, flips give no
    jump.
  - where a point crosses the hull, or changes its nearest vertex outside the hull. Relocated data points lie there.
- **Adaptive regularization adds jumps** (`AdaptSplit`, on `clumpy`). It counts the data points of each vertex. So linear
  interpolation jumps where a data point changes its triangle, by up to 0.34 nats. With natural neighbours the count changes
  where a circle sweeps over a data point, which is no event of this page. It may be inside the largest kinks of `clumpy`.
- **With many relocated points, natural neighbours may change little.** On the real lens `euclid_q1_vis`, with
  autolens's default priors, all three triangle meshes vary by 8 nats over 0.01 prior widths. The nearest vertices of its
  relocated points change 286 000 times per prior width, and natural neighbours do not smooth that.
- **Rectangles** (`RectangularBilinearAdaptDensity`): the smallest jumps on most lenses, and the largest kinks, up to 540 000
  nats per prior width. With the kinks they are not always smoother: 11 nats on `cusp`, where natural neighbours have 3.8. No
  jump is seen on `small` and `euclid_q1_vis`. With over-sampling 1 there are some, because ranks of data points set the cells:
  0.04 nats on `no_light` and 4 on `clumpy`. autoarray asks for an over-sampling of at least 4 if a search follows gradients,
  or for its RTU meshes (`al.mesh.RectangularRTUAdaptDensity`), which are not measured here.

With triangles, most gradient searches [end several nats or more from the best start](searches.md). Do not take finite
differences: a step of 1e-3 prior widths meets 8 to 370 events on these lenses.

## How is it measured?

- **Lines.** Each lens has three lines through the parameters of its mass profiles: the Einstein radius, and two random
  directions. They start 0.01 prior widths from the prior median, which is the truth of a simulated lens. There a lens may be
  centred on a vertex, where the deflection is singular: `small` jumps by 43 nats. A prior width
  is the standard deviation of a Gaussian prior, or half the central 68 % of any other prior.
- **Events.** An event is a difference between the tables of neighbouring steps. The tables hold the triangles, the vertices
  of every data point and split point, and the points that are moved to the border. The flux shows the active set of NNLS.
  (NNLS is autoarray's non-negative solver.) Rates come from 64 steps of 1e-3 on every line. A random sample of each kind is
  bisected to 1e-13 prior widths, changes of the active set to 1e-10.
- **Jumps and kinks.** The jump is the difference of the log evidence 5e-13 prior widths before and after the event. The
  kink is the difference of the slopes. Slopes are one-sided differences that cross no other event
  of the tables.
- **Roughness.** Windows of nine evidences start at random places. Fourth differences remove the smooth part
  (`jax_profiling/proof/continuity/structure.py`).

All log evidences are taken with `patch(log_det=True, natural_neighbors=True)`. The rectangular mesh has about as many
pixels as the triangles have vertices. Its regularization is `Constant` or `Adapt` in place of `ConstantSplit` or
`AdaptSplit`, with the same coefficients. The log evidence of the rectangular mesh therefore belongs to another model.
"""

BETWEEN = {
    "jumps": """## How large is a jump?

The median and the largest jump in nats, and the number of events in brackets. All kinds except flips count only if nothing
else happens at the same place.
""",
    "kinks": """## How large is a kink?

The median and the largest change of the slope, in nats per prior width, for the same events. Natural neighbours have their
largest kinks on `clumpy`. Its log evidence changes by 300 000 nats per prior width. On the other lenses, the largest kinks of
Sibson's weights are 12, where a data point changes its triangle, and 172, at a flip.

Two cases need care. On `two_planes` the kernel's log determinant rounds to about 1e-6 nats, which hides kinks below about
10. The tables do not hold the ranks behind a rectangular mesh, so its slopes may cross a change of ranks.
""",
    "sums": """## Which events matter?

The rms of the summed jumps over 0.01 prior widths, in nats, if jumps are independent: the median of the lenses that were
measured with the mesh, and the largest.
""",
    "rates": """## How often do events happen?

Events per prior width. The rates of the three triangle meshes are the same, except the rate of the active set, shown for
linear interpolation. A rectangular mesh has cells in place of triangles. It has no edges, no split points and no hull.
`fold` and `cross` have 4 and 16 data points per image pixel, so more of them change their triangles. The regularization of
`two_planes` uses no split points, but their events are counted.
""",
    "lenses": """## How rough is each lens?

The rms change of the log evidence, in nats, over 0.01 prior widths. *Measured* is what fourth differences leave in windows:
jumps, kinks, and a rest of the smooth part. On `clumpy` that rest is most of it. *From jumps* follows from the rates and jumps
of the sampled events, and misses rare large ones. Few windows and few events stand behind both: on most lenses they differ
threefold and more. The last column is the log evidence where the lines start.
""",
    "modes": """## Does the log evidence depend on the batch?

The largest relative difference from `jit` at four parameter vectors (eager at one). Every batch runs in two orders of its
lanes. The bar is 1e-9. `python -m jax_profiling.proof.continuity.modes` measures it. `population-0-0000` is a drawn lens of
the [sweep](../proofs/sweep.md).

`double_source_plane` misses the bar, because rounding alone moves its log evidence. If all parameters move by their last bit,
Delaunay's log evidence changes by up to 1.9e-7 (relative) at these vectors. With `KNNBarycentric` it changes by up to 1.5e-7.
In [the production matrix](../proofs/matrix.md), this fit is unstable at all five vectors.
""",
}

ROUGHNESS = """![the rms change of the log evidence per step](continuity_structure.png)

Dots show the median of the lenses that were measured at a step, as measured in windows. Lines follow from the sampled jumps.
A window that meets no event shows rounding only, about 1e-11 nats; one that meets an event by chance lies far above the line.
"""

MISSING = """## What is not measured?

- More than ten simulated lenses and two real ones, and vectors other than the prior median.
- The meshes that a lens lacks in the table above: for example Laplace's weights on `no_light`, and rectangles on
  `two_planes`.
- Steps below 1e-3 on `two_planes` and below 1e-4 on all others but `small`, and the sizes of changes of the active set there.
- The log evidence in every mode on larger lenses. At `vmap` of 64, `cusp` and `euclid` need more than 20 GiB on a CPU; the
  interferometer of the production matrix needs 75 GB before that.
- The cost of the roughness for a search. [Another page](searches.md) has it for three lenses.
- The code that stands now: each JSON file has the digest of the sources it was measured with. `NaturalNeighbor` has been
  reorganised since, without another change of weights than rounding.
- Events of one mesh of `two_planes`. The lens has two meshes, and all events are those of the second one.
- Two sources of kinks: the border ellipse, which follows its outermost data points, and the ranks behind the rectangular
  mesh.
"""
