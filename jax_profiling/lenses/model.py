"""The `model.json` of a lens folder, or of a finished search, and the models of several datasets."""

import contextlib
import importlib
import inspect
import io

import autofit as af
import autolens as al

from jax_profiling.lenses.files import LensError, json_from
from jax_profiling.terminal.command import message_of


def galaxies_with_pixelization(model, path=()):
    """(path, galaxy model) of every galaxy with a pixelization that has a mesh, anywhere in a model."""
    found = []
    for name, part in model.items():
        if hasattr(getattr(part, "pixelization", None), "mesh"):
            found.append(((*path, name), part))
        elif isinstance(part, af.Collection):
            found += galaxies_with_pixelization(part, (*path, name))
    return found


def with_free(model, free):
    """A model in which only the priors of a set are free; all others are fixed at their medians."""
    medians = zip(model.priors_ordered_by_id, model.physical_values_from_prior_medians)
    return model.mapper_from_partial_prior_arguments({prior: median for prior, median in medians if prior not in free})


def models_of(model):
    """A list with the model of each dataset; a model without a collection is the only one."""
    return [model] if hasattr(model, "galaxies") else [part for _, part in model.items()]


def model_of_datasets(path, model, infos):
    """The models of several datasets in one collection, as for an `af.FactorGraphModel`.

    Parameters
    ----------
    path
        Its `model.json`.
    model
        One model for all datasets, which then share every parameter, or a collection with one per dataset in the order of the
        folders' names. A search with an `af.FactorGraphModel` writes such a collection.
    infos
        The `info.json` of every dataset; `grid_offset` and `grid_rotation_angle` become the `dataset_model`.
    """
    models = models_of(model)
    if len(models) not in (1, len(infos)):
        raise LensError(f"{path}: holds {len(models)} models for {len(infos)} datasets; give one, or one per dataset.")
    if len(models) == 1:
        # A copy keeps the numbers of priors, so the copies share all parameters.
        models = [model.copy() for _ in infos]
    for part, info in zip(models, infos, strict=True):
        dataset_model_to(part, info, path)
    return af.Collection(models)


def dataset_model_to(model, info, path):
    """Give a model the offset and the rotation of its dataset, where `info.json` has them."""
    keys = {"grid_offset", "grid_rotation_angle"} & set(info)
    if not keys:
        return
    if getattr(model, "dataset_model", None) is not None:
        raise LensError(f"{path}: has a dataset_model, and info.json {sorted(keys)[0]}; leave one of the two out.")
    model.dataset_model = al.DatasetModel(
        grid_offset=tuple(info.get("grid_offset", (0.0, 0.0))), grid_rotation_angle=info.get("grid_rotation_angle", 0.0)
    )


def check_against_info(model, info, path, inspection):
    """The meshes and redshifts of a dataset's model fit its `info.json`.

    A mesh fixes the flux of its last `zeroed_pixels` vertices at zero. If it has more of them than there are edge points, real
    vertices lose their flux.
    """
    redshifts = [_unwrapped(each.redshift) for _, each in model.galaxies.items() if hasattr(each, "redshift")]
    for key in ("redshift_lens", "redshift_source"):
        if info[key] not in redshifts and all(isinstance(each, int | float) for each in redshifts):
            inspection.note(
                path, f"no galaxy has the {key} {info[key]:g} of info.json; fits take the redshifts of the model"
            )
    edge_points = info["edge_points"]
    for galaxy_path, galaxy in galaxies_with_pixelization(model):
        zeroed = int(_unwrapped(getattr(galaxy.pixelization.mesh, "zeroed_pixels", 0)) or 0)
        name = ".".join(map(str, galaxy_path))
        if zeroed == 0 and edge_points > 0:
            inspection.note(path, f"the mesh of {name} has zeroed_pixels 0, so its edge points may have flux")
        elif zeroed != edge_points:
            inspection.fault(
                path,
                f"the mesh of {name} has zeroed_pixels {zeroed}, and info.json has edge_points {edge_points}",
                "write one number into both",
            )


def _unwrapped(number):
    """A number of a model; PyAutoFit wraps those that it reads from JSON."""
    return getattr(number, "value", number)


def model_json_of(search):
    """The `model.json` of a search's output folder, which keeps it under `files`."""
    for path in (search / "files" / "model.json", search / "model.json"):
        if path.exists():
            return path
    raise LensError(f"{search}: holds no files/model.json; give the output folder of a PyAutoFit search.")


def model_from(path):
    model_dict = json_from(path)
    if isinstance(model_dict, dict) and isinstance(model_dict.get("arguments"), dict):
        # A search with an `af.FactorGraphModel` also writes the graph, with its datasets.
        model_dict["arguments"].pop("factor", None)
    try:
        for part in _parts_of(model_dict):
            if isinstance(part.get("class_path"), str):
                _check_class(part, path)
            elif "id" in part and "arguments" not in part:
                _check_prior(part, path)
        # autonerves prints empty lines where it looks for default priors.
        with contextlib.redirect_stdout(io.StringIO()):
            model = af.AbstractPriorModel.from_dict(model_dict)
        found = galaxies_with_pixelization(model)
        without = [part for part in models_of(model) if not galaxies_with_pixelization(part)]
    except LensError:
        raise
    except Exception as error:
        reason = message_of(error) or type(error).__name__
        raise LensError(f"{path}: not a PyAutoFit model ({reason}); write it with json.dump(model.dict()).") from None
    if not found or without:
        raise LensError(f"{path}: no galaxy has a pixelization with a mesh; add one to the source galaxy.")
    for galaxy_path, galaxy in found:
        mesh = galaxy.pixelization.mesh
        if not issubclass(getattr(mesh, "cls", type(mesh)), al.mesh.Delaunay):
            raise LensError(
                f"{path}: galaxy {'.'.join(galaxy_path)} has a mesh without triangles; give it al.mesh.Delaunay."
            )
    return model


def _parts_of(value):
    """Every dict in a model's dictionary."""
    if isinstance(value, dict):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _parts_of(each)


def _check_class(part, path):
    """The class of a part can be imported, and takes its arguments. PyAutoFit silently reads others as another model."""
    class_path, arguments = part["class_path"], part.get("arguments")
    module, _, name = class_path.rpartition(".")
    try:
        cls = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError):
        raise LensError(
            f"{path}: names {class_path}, which cannot be imported; correct it, or install what provides it."
        ) from None
    parameters = inspect.signature(cls).parameters
    if not isinstance(arguments, dict) or any(each.kind is each.VAR_KEYWORD for each in parameters.values()):
        return
    for argument in arguments:
        if argument not in parameters:
            raise LensError(f"{path}: gives {name} the argument {argument}; write one of {', '.join(parameters)}.")


def _check_prior(part, path):
    """PyAutoFit knows the type of a prior. It silently replaces others by its default priors."""
    try:
        af.Prior.from_dict(dict(part))
    except KeyError:
        raise LensError(
            f'{path}: has a prior of the type "{part.get("type")}"; write one such as "Uniform" or "Gaussian".'
        ) from None
