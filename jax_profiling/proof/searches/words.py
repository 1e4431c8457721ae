"""The words of `docs/searches/searches.md`."""

HEAD = """# What does roughness cost a search?

[The log evidence of a lens](continuity.md) jumps where an edge of the source mesh flips, and has kinks elsewhere. This page
measures the cost for a search. `make searches` measures, and `make searches ARGS=--page` writes this page from the JSON
files. The code is in `jax_profiling/proof/searches/`. [The glossary](../glossary.md) explains the words.

## What to use when

This is a negative result, for 100 evaluations per start. `NaturalNeighbor` makes the log evidence smoother, but it does not
make these searches reliable on any of three lenses. A start *arrives* if it ends within 2 nats of the best start, which need
not be near the truth.

- **Give `af.LBFGS` bounds.** By default PyAutoFit gives it none. Its first step has length one in the units of the parameters.
  From autolens's default priors (`gradient_search`, and the real lens `euclid_q1_vis`) that is where the log posterior is
  undefined: 58 of 80 starts stop within five evaluations. With `af.LBFGS(clipper=af.ClipperPriorBox())` none of 80 does, and
  the median start ends higher: by 18 900 nats on `gradient_search`, with either mesh, and on `euclid_q1_vis` by 97 nats with
  `KNNBarycentric` and 135 with `NaturalNeighbor`. The best start on `euclid_q1_vis` is a bounded one, 61 and 26 nats above
  all others.
- **From default priors no search is reliable.** One start of 20 arrives at most, because the starts end hundreds or thousands
  of nats apart. With priors of one per cent, [searches on the same lens](posterior.md#gradient-searches) found a log
  evidence that is 700 nats higher (`gradient_search`, `KNNBarycentric`). More steps may not help: on `euclid_q1_vis`, 12 of 20
  starts of `af.MultiStartProdigy` gain nothing in the last 20 of 100 steps, with either mesh.
- **Near the truth** (`small`, priors around it), `af.LBFGS` arrives from none of 20 starts with `KNNBarycentric` and from one
  with `NaturalNeighbor`. Bounds do not help there: the median start ends 9 and 8 nats short, without them 7 and 9.
  `af.MultiStartProdigy` arrives from 6 of 20, with either mesh. More than half of its starts still
  gain in the last 20 of 100 steps, up to 6.5 nats. PyAutoFit's default is 300 steps, so more starts may arrive then. Do not
  compare with the value at the truth, [a spike of 43 nats](#what-is-the-best): with `KNNBarycentric` the best start is 33
  nats above its foot.
- **What to do.** Do not trust one run of a gradient search on a Delaunay mesh. Take bounds, many starts, and priors from an
  earlier search.
- **The slope** is not small at the end of any start. Judge a start by its log posterior.
- **`af.BlackJAXNUTS`** does not mix with either mesh. Every trajectory takes all of its 31 gradients. R-hat is 2.1 with
  `KNNBarycentric` and 1.4 with `NaturalNeighbor`. The standard deviations of its chain should be those of `af.Nautilus`. With
  `KNNBarycentric` they are 0.1 to 0.6 times as large, with `NaturalNeighbor` 0.8 to 1.1 times. The chain and its warm-up are
  short: 60 samples each.
- **For errors and evidences**, take a sampler without gradients: `af.Nautilus` finishes with either mesh, after 3180
  evaluations with `KNNBarycentric` and 2720 with `NaturalNeighbor` (one seed, three free parameters).
- **The mesh is part of the model.** `NaturalNeighbor` moves the Einstein radius by 1.2 standard deviations and the log
  evidence by 23 nats. By upstream's bar it is not the same inference. Which mesh is nearer the truth, one lens does not
  decide: compare fits with one mesh only.

A possible reason why smoother weights do not help is that both meshes share some jumps: where a point crosses the hull, and
where split regularization meets a flip. Over 0.01 prior widths, `small` varies by about 2.4 nats with linear interpolation
and by 1.1 with Sibson's weights.

## How is it measured?

- **Models.** The parameters of the mass profiles and the shear are free, with the priors of the lens. All others are fixed at
  their prior medians. All log evidences are taken with `patch(log_det=True, natural_neighbors=True)`.
- **Starts.** All searches begin at the same points. These are uniform between the quantiles 0.15 and 0.85 of every prior, so
  a parameter is at most 1.04 prior widths from the prior median, which is the truth on `small` only. A start of
  `af.MultiStartProdigy` has 100 evaluations. `af.LBFGS` stops by itself, or after the iteration that exceeds 100. If it is
  *bounded*, its argument `clipper` is `af.ClipperPriorBox()`. All else is PyAutoFit's default.
- **Objective.** All searches maximise the log posterior: the log evidence plus the log prior, without its constant. A start
  *arrives* if it comes within 2 nats of the highest log posterior of any start of any search with the same mesh.
- **Slope.** The norm of the gradient at the best point of a start, in nats per prior width.

Another mesh is another model: the log posteriors of two meshes differ everywhere. Compare the counts, not the values.
"""

BETWEEN = {
    "gradients": """## Which starts arrive?

The table has medians over the starts, except in two columns. *Arrived* counts starts. *Seconds* is the wall time of all
starts on one core, with compilation. Other programs ran on the same core, so it is an upper bound. *Short by* is the distance
from the best, in nats.
""",
    "best": """## What is the best?

The highest log posterior of all searches, in nats. On `small` the prior median is the truth. It is an isolated point: the
lens is centred on a vertex of the image mesh, where the deflection is singular. If the centre moves by 1e-6 prior widths, that
vertex jumps to the edge of the source, and the log evidence falls by 43 nats (with Qhull's triangulation, too). So a peak at
the truth cannot be found.
""",
    "nautilus": """## Does Nautilus care?

`af.Nautilus` takes no gradients. It samples the Einstein radius and the shear with the same seed and the same arguments as in
[the same posterior](posterior.md). Its log evidence is an integral over these parameters; elsewhere on this page the log
evidence belongs to one set of parameters. The efficiency is the effective number of samples per evaluation. Other programs ran
on the same core, so do not compare the seconds. With `KNNBarycentric`, [the same search](posterior.md) takes 270 s.
""",
    "bar": """## Is it the same inference?

PyAutoLens's bar for two likelihoods that should give the same inference is in brackets. `NaturalNeighbor` is compared with
`KNNBarycentric`.
""",
    "nuts": """## Does NUTS work?

`af.BlackJAXNUTS` follows gradients. One chain starts from the posterior of `af.Nautilus`: within half a standard deviation of
its mean, with its variances as the first mass matrix. It warms up for 60 samples and draws 60, with at most 31 gradients
per sample. All else is PyAutoFit's default, such as a target of 0.8 for the acceptance. The columns count the 60 samples.
The seconds include the warm-up and compilation.
""",
}

MISSING = """## What is not measured?

- Lenses with 7800 image pixels: `make searches ARGS="--lenses no_light,two_planes"` runs them. One start of `af.LBFGS` takes
  minutes there.
- `af.MultiStartProdigy` with bounds, on any lens.
- On `euclid_q1_vis`, priors from an earlier search.
- More than 100 evaluations per start, and steps scaled by the prior widths (`af.ScalerPriorWidth`).
- Rectangular meshes, and Laplace's weights.
- The code that stands now: each JSON file has the digest of the sources it was measured with. `NaturalNeighbor` has been
  reorganised since, without another change of weights than rounding.
"""
