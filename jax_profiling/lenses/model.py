"""The `model.json` of a lens folder, or of a finished search."""

import importlib

import autofit as af
import autolens as al

from jax_profiling.lenses.files import LensError, json_from


def galaxies_with_pixelization(model):
    """(name, galaxy model) of every galaxy of a model that has a pixelization."""
    return [
        (name, galaxy)
        for name, galaxy in model.galaxies.items()
        if getattr(galaxy, "pixelization", None) is not None and hasattr(galaxy.pixelization, "mesh")
    ]


def model_json_of(search):
    """The `model.json` of a search's output folder, which keeps it under `files`."""
    for path in (search / "files" / "model.json", search / "model.json"):
        if path.exists():
            return path
    raise LensError(f"{search}: holds no files/model.json; give the output folder of a PyAutoFit search.")


def model_from(path):
    model_dict = json_from(path)
    # PyAutoFit reads an unknown class as an empty collection, which would be another model without a word.
    for class_path in sorted(_class_paths_of(model_dict)):
        module, _, name = class_path.rpartition(".")
        try:
            getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError, ValueError):
            raise LensError(
                f"{path}: names {class_path}, which cannot be imported; correct it, or install what provides it."
            ) from None
    try:
        model = af.AbstractPriorModel.from_dict(model_dict)
        found = galaxies_with_pixelization(model)
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise LensError(f"{path}: not a PyAutoFit model ({reason}); write it with json.dump(model.dict()).") from None
    if not found:
        raise LensError(f"{path}: no galaxy has a pixelization with a mesh; add one to the source galaxy.")
    for name, galaxy in found:
        mesh = galaxy.pixelization.mesh
        if not issubclass(getattr(mesh, "cls", type(mesh)), al.mesh.Delaunay):
            raise LensError(f"{path}: galaxy {name} has a mesh without triangles; give it al.mesh.Delaunay.")
    return model


def _class_paths_of(part):
    """Every `class_path` in a model's dictionary."""
    if isinstance(part, dict):
        own = {part["class_path"]} if isinstance(part.get("class_path"), str) else set()
        return own.union(*map(_class_paths_of, part.values()))
    return set().union(*map(_class_paths_of, part)) if isinstance(part, list) else set()
