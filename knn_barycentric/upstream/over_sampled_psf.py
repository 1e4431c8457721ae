"""Over-sampled PSFs on a mesh that may give a data point several rows (`row_pieces`)."""

from functools import wraps

import numpy as np
from autoarray.inversion.mappers import mapper_util
from autoarray.operators.over_sampling.over_sample_util import convolve_bin_segment_ids_from


def with_rows(shipped):
    """autoarray's `Mapper.mapping_matrix_over_sampled_for`, which takes one row per data point, with any number of rows."""

    @wraps(shipped)
    def mapping_matrix_over_sampled_for(self, convolve_over_sample_size):
        tables = getattr(self.interpolator, "tables", None)
        if tables is None or tables.row_owner is None:
            return shipped(self, convolve_over_sample_size)
        size, sub_size = int(convolve_over_sample_size), np.array(self.over_sampler.sub_size).astype("int")
        cells = self._xp.asarray(convolve_bin_segment_ids_from(sub_size, size))
        return mapper_util.mapping_matrix_from(
            pix_indexes_for_sub_slim_index=self.pix_indexes_for_sub_slim_index,
            pix_size_for_sub_slim_index=self.pix_sizes_for_sub_slim_index,
            pix_weights_for_sub_slim_index=self.pix_weights_for_sub_slim_index,
            pixels=self.pixels,
            total_mask_pixels=len(sub_size) * size**2,
            slim_index_for_sub_slim_index=cells[tables.row_owner],
            sub_fraction=np.repeat((size / sub_size) ** 2, size**2),
            use_mixed_precision=self.settings.use_mixed_precision,
            xp=self._xp,
        )

    return mapping_matrix_over_sampled_for
