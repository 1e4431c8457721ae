# Every target sets itself up: `.venv` is built when it is missing or older than the pins.

PY = .venv/bin/python
READY = .venv/.ready

.PHONY: gate test bench patch posterior clean
.DELETE_ON_ERROR:

gate: $(READY)
	$(PY) jax_profiling/jit/imaging/delaunay_knn_barycentric.py --lens hst $(ARGS)

test: $(READY)
	$(PY) -m pytest -n auto --junitxml=results/local/junit.xml $(ARGS)

bench: $(READY)
	$(PY) -m jax_profiling.bench $(ARGS)

posterior: $(READY)
	$(PY) -m jax_profiling.posterior $(ARGS)

patch: $(READY)
	$(PY) -m jax_profiling.autoarray_diff $(ARGS)

$(READY): pyproject.toml constraints.txt find_python.sh
	@python=$$(PYTHON="$(PYTHON)" ./find_python.sh) && echo "Building .venv with $$python" && "$$python" -m venv --clear .venv
	@$(PY) -m pip install --quiet --disable-pip-version-check --editable '.[test]' --constraint constraints.txt
	@touch $@

clean:
	rm -rf .venv *.egg-info results/local
