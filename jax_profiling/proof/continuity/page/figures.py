"""The figures of `docs/searches/continuity.md`."""

import matplotlib.pyplot as plt
import numpy as np

from jax_profiling.proof.continuity.measure import PROFILE_STEP
from jax_profiling.proof.continuity.meshes import MESHES, TRIANGLES

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
        finite = np.isfinite(values)
        smooth = np.polynomial.Polynomial.fit(t[finite], values[finite], 3)(t)
        ax.plot(t, values - smooth, ".-", color=COLOURS[mesh], linewidth=1, markersize=4)
        ax.axhline(0.0, color="0.8", linewidth=0.8, zorder=0)
        ax.set(title=MESHES[mesh].replace("`", ""), xlabel=f"{each['lines'][0]} (prior widths)")
        ax.title.set_fontsize(9)
    axes[0, 0].set_ylabel("log evidence minus a cubic (nats)")
    return figure


def structure_figure(found, summed):
    """How much the log evidence changes per step, beyond its smooth part: medians of all lenses.

    Parameters
    ----------
    found
        Lens -> mesh -> contents of a JSON file (dict).
    summed
        A function of the contents of a JSON file and a step: the rms of the summed jumps (nats).
    """
    figure, ax = plt.subplots(figsize=(7, 4.5), layout="constrained")
    h = np.logspace(-9, -2, 8)
    for number, (mesh, words) in enumerate(MESHES.items()):
        files = [meshes[mesh] for meshes in found.values() if mesh in meshes]
        if not files:
            continue
        steps = list(max((each["windows"] for each in files), key=len))
        rows = [[each["windows"].get(step, {}).get("structure") for step in steps] for each in files]
        rms = np.nanmedian(np.sqrt(np.maximum(np.array(rows, dtype=float), 1.0e-30)), axis=0)
        x = np.array(steps, dtype=float) * 1.08 ** (number - 1.5)
        ax.plot(x, rms, "o", markersize=5, color=COLOURS[mesh], label=words.replace("`", ""))
        if mesh in TRIANGLES:
            ax.plot(h, [np.median([summed(each, step) for each in files]) for step in h], "-", color=COLOURS[mesh])
    ax.axhline(0.5, color="0.3", linestyle=":", linewidth=1)
    ax.text(1.0e-9, 0.7, "half a nat", fontsize=8)
    ax.set(xscale="log", yscale="log", xlabel="step h (prior widths)", ylabel="rms change per step (nats)")
    ax.legend(fontsize=8)
    return figure
