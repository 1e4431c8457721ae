# Every target builds `.venv` if it is missing or older than the pins.

PY = .venv/bin/python
READY = .venv/.ready

.PHONY: gate test test-long lint bench continuity searches docs launches gpu wheels matrix patch upstream posterior sweep dist compat clean
.DELETE_ON_ERROR:

gate: $(READY)
	$(PY) jax_profiling/jit/imaging/delaunay_knn_barycentric.py $(ARGS)

test: lint
	$(PY) -m pytest -n auto --junitxml=results/local/junit.xml $(ARGS)

# Everything, as the weekly run does: also the tests marked slow.
test-long: lint
	$(PY) -m pytest -n auto -m "slow or not slow" --junitxml=results/local/junit.xml $(ARGS)

lint: $(READY)
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	cd delaunax && ../$(PY) -m mypy

bench: $(READY)
	$(PY) -m jax_profiling.speed.bench $(ARGS)

# XLA's CUDA compiler has a folder of its own. If JAX found it in .venv, JAX would look for a GPU.
CUDA = jax-cuda13-plugin jax-cuda13-pjrt nvidia-cuda-nvcc nvidia-nvvm

launches: $(READY) .cuda/.ready
	$(PY) -m jax_profiling.speed.gpu.launches $(ARGS)

.cuda/.ready: constraints.txt | $(READY)
	rm -rf .cuda
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --target .cuda $(CUDA) --constraint constraints.txt
	@touch $@

# On a GPU machine: the machine's Python with JAX's CUDA plugin, and the wheels of .wheels, if there are any.
GPU_PY = python3

gpu:
	@test ! -d .wheels || test -d .wheels/site || \
	    $(GPU_PY) -m pip install --quiet --no-index --no-deps --target .wheels/site .wheels/*.whl
	PYTHONPATH=.wheels/site:.:delaunax/src $(GPU_PY) -m jax_profiling.speed.gpu.measure $(ARGS)

# For a GPU machine without a network: the requirements of autolens, without JAX and without the packages that the machine has,
# such as HAVE="numpy scipy scikit_image".
wheels: $(READY)
	rm -rf .wheels
	$(PY) -m pip wheel --quiet --disable-pip-version-check --wheel-dir .wheels ./delaunax . --constraint constraints.txt
	rm -rf build delaunax/build
	rm -f $(foreach name,jax jaxlib delaunax knn_barycentric $(HAVE),.wheels/$(name)-*.whl)

matrix: $(READY)
	$(PY) -m jax_profiling.proof.matrix --workers 2 $(ARGS)

sweep: $(READY)
	$(PY) -m jax_profiling.sweep --population 300 $(ARGS)

continuity: $(READY)
	$(PY) -m jax_profiling.proof.continuity $(ARGS)

searches: $(READY)
	$(PY) -m jax_profiling.proof.searches $(ARGS)

posterior: $(READY)
	$(PY) -m jax_profiling.proof.searches.posterior $(ARGS)

docs: $(READY)
	$(PY) -m sphinx --fail-on-warning --keep-going --fresh-env --write-all --quiet docs results/local/site

patch: $(READY)
	$(PY) -m jax_profiling.patch.diffs $(ARGS)

# Upstream's unit tests, unchanged and patched. SOURCE is a folder with checkouts of autoarray, autogalaxy and autolens.
upstream: $(READY)
	@test -n "$(SOURCE)" || { echo "Give a folder with upstream's checkouts, as in: make upstream SOURCE=../PyAuto" >&2; exit 2; }
	$(PY) -m jax_profiling.patch.upstream_tests --source "$(SOURCE)" $(ARGS)

# sdists and wheels of both packages, in dist/. The tools have an environment of their own.
dist: .dist/.ready
	rm -rf dist
	.dist/bin/python -m build --outdir dist delaunax
	.dist/bin/python -m build --outdir dist .
	.dist/bin/python -m twine check --strict dist/*

.dist/.ready: scripts/find_python.sh
	@python=$$(PYTHON="$(PYTHON)" scripts/find_python.sh) && "$$python" -m venv --clear .dist
	.dist/bin/python -m pip install --quiet --disable-pip-version-check 'build>=1.2' 'twine>=6'
	@touch $@

# Another release of JAX in an environment of its own: the tests of delaunax, and the gate on the smallest lens.
COMPAT_INSTALL = .venv-jax-$(JAX)/bin/python -m pip install --quiet --disable-pip-version-check jax==$(JAX) jaxlib==$(JAX) \
    --constraint .venv-jax-$(JAX)/constraints.txt
compat:
	@test -n "$(JAX)" || { echo "Give a release of JAX, as in: make compat JAX=0.7.2" >&2; exit 2; }
	@python=$$(PYTHON="$(PYTHON)" scripts/find_python.sh) && "$$python" -m venv --clear .venv-jax-$(JAX)
	grep -vE '^(jax|jaxlib)==' constraints.txt > .venv-jax-$(JAX)/constraints.txt
	$(COMPAT_INSTALL) --editable './delaunax[test]' pytest-xdist
	cd delaunax && ../.venv-jax-$(JAX)/bin/python -m pytest -n auto -q $(ARGS)
	@$(COMPAT_INSTALL) --editable ./delaunax --editable '.[test]' || { echo "delaunax works with jax $(JAX), but autolens does not" \
	    "allow this release, see above; give one that autolens allows." >&2; exit 1; }
	.venv-jax-$(JAX)/bin/python jax_profiling/jit/imaging/delaunay_knn_barycentric.py --lens small --rungs delaunay --draws 5 \
	    --output results/local/jax-$(JAX)

$(READY): pyproject.toml delaunax/pyproject.toml constraints.txt scripts/find_python.sh
	@python=$$(PYTHON="$(PYTHON)" scripts/find_python.sh) && echo "Building .venv with $$python" && "$$python" -m venv --clear .venv
	@$(PY) -m pip install --quiet --disable-pip-version-check --editable ./delaunax --editable '.[test,sweep,docs]' --constraint constraints.txt
	@touch $@

clean:
	rm -rf .venv .venv-jax-* .jax_cache .cuda .wheels .dist dist *.egg-info delaunax/src/*.egg-info results/local
