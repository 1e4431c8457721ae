"""The figures of `docs/continuity.md`."""

import matplotlib.pyplot as plt
import numpy as np

from jax_profiling.proof.continuity.measure import PROFILE_STEP
from jax_profiling.proof.continuity.meshes import MESHES

COLOURS = {"linear": "C3", "sibson": "C0", "laplace": "C2", "rectangular": "0.4"}


def profile_figure(meshes):
    """The log evidence of one lens along its first line, without a cubic polynomial; one panel per mesh.

    Parameters
    ----------
    meshes
        Mesh -> contents of a JSON file (dict).
    """
    figure, axes = plt.subplots(1, len(meshes), figsize=(12, 3.2), sharey=True, layout="constrained", squeeze=False)
    for ax, (mesh, each) in zip(axes[0], meshes.items()):
        values = np.array(each["profile"], dtype=float)
        t = PROFILE_STEP * np.arange(len(values))
        smooth = np.polynomial.Polynomial.fit(t, values, 3)(t)
        ax.plot(t, values - smooth, ".-", color=COLOURS[mesh], linewidth=1, markersize=4)
        ax.axhline(0.0, color="0.8", linewidth=0.8, zorder=0)
        ax.set(title=MESHES[mesh].replace("`", ""), xlabel=f"{each['lines'][0]} (prior widths)")
        ax.title.set_fontsize(9)
    axes[0, 0].set_ylabel("log evidence minus a cubic (nats)")
    return figure


def structure_figure(found):
    """How much the log evidence changes per step, beyond its smooth part: the median of all lenses, and the range.

    Parameters
    ----------
    found
        Lens -> mesh -> contents of a JSON file (dict).
    """
    figure, ax = plt.subplots(figsize=(7, 4.5), layout="constrained")
    for mesh, words in MESHES.items():
        files = [meshes[mesh] for meshes in found.values() if mesh in meshes]
        if not files:
            continue
        steps = list(max((each["windows"] for each in files), key=len))
        rows = [[each["windows"].get(step, {}).get("structure", np.nan) for step in steps] for each in files]
        rms = np.sqrt(np.maximum(np.array(rows, dtype=float), 1.0e-30))
        x = np.array(steps, dtype=float)
        ax.fill_between(x, np.nanmin(rms, axis=0), np.nanmax(rms, axis=0), color=COLOURS[mesh], alpha=0.12, linewidth=0)
        ax.plot(x, np.nanmedian(rms, axis=0), ".-", color=COLOURS[mesh], label=words.replace("`", ""))
    ax.axhline(0.5, color="0.3", linestyle=":", linewidth=1)
    ax.text(1.0e-9, 0.6, "half a nat", fontsize=8)
    ax.set(xscale="log", yscale="log", xlabel="step h (prior widths)", ylabel="rms change per step (nats)")
    ax.legend(fontsize=8)
    return figure
