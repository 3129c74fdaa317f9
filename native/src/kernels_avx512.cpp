#define GATUN_NAMESPACE gatun_avx512_kernels
#define VEC_BYTES 64

#include "attention.h"
#include "backward.h"
#include "byte_conv.h"
#include "byte_maps.h"
#include "bytes.h"
#include "decode.h"
#include "gemm.h"
#include "heads.h"
#include "limits.h"
#include "narrow.h"
#include "recurrent.h"
#include "rows.h"
#include "stem.h"
#include "winograd.h"

using namespace GATUN_NAMESPACE;

extern const gatun_kernels gatun_avx512 = {"avx512", W, TILE_COLS, attention, layer_norm, rotary, gated, embed, pool, bias_act,
                                      bias_act_rows, kv_store, paged_attention, log_sum_exp, top_k,
                                      multiply_add, read_floats, triad_floats,
                                      gemm, int8_depth, narrow, bytes, &byte_kernels, winograd, winograd_scratch_floats, stem,
                                      stem_scratch_floats, recurrent, recurrent_scratch_floats, &training};
