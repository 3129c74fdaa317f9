package dev.gatun.bindings.onednn;

import dev.gatun.bindings.onednn.gen.OneDnnC;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * A primitive before it is compiled: which implementation was chosen, and the layouts it wants where
 * a descriptor said {@code any}. Lives as long as its arena. One factory for each kind of primitive;
 * every factory throws {@link OneDnnException} if oneDNN has no implementation for what is asked.
 */
public final class PrimitiveDesc {
    private static final int INFERENCE = OneDnnC.dnnl_forward_inference();

    private final MemorySegment handle;

    private PrimitiveDesc(MemorySegment handle) {
        this.handle = handle;
    }

    private interface Creation {
        int create(MemorySegment out, MemorySegment engine, Arena temporary);
    }

    private static PrimitiveDesc create(Arena arena, String call, Creation creation) {
        try (Arena temporary = Arena.ofConfined()) {
            MemorySegment out = temporary.allocate(OneDnnC.C_POINTER);
            OneDnn.check(call, creation.create(out, Engine.cpu().handle(), temporary));
            return new PrimitiveDesc(Owned.handle(out, arena, OneDnnC::dnnl_primitive_desc_destroy));
        }
    }

    private static MemorySegment orNull(MemoryDesc desc) {
        return desc == null ? MemorySegment.NULL : desc.handle();
    }

    /** dst = src x weights + bias; bias may be null. */
    public static PrimitiveDesc matmul(
            Arena arena, MemoryDesc src, MemoryDesc weights, MemoryDesc bias, MemoryDesc dst, Attributes attributes) {
        return create(arena, "matmul", (out, engine, temporary) -> OneDnnC.dnnl_matmul_primitive_desc_create(
                out, engine, src.handle(), weights.handle(), orNull(bias), dst.handle(), attributes.handle()));
    }

    /**
     * How a window moves over its input. One entry for each spatial dimension.
     *
     * @param strides  1 or more
     * @param dilation 0 for a dense window (oneDNN's convention)
     * @param padLeft  zeros before the first element
     * @param padRight zeros after the last element
     */
    public record Window(long[] strides, long[] dilation, long[] padLeft, long[] padRight) {
    }

    /** Convolution; groups are a leading dimension of the weights; bias may be null. */
    public static PrimitiveDesc convolution(Arena arena, int algorithm, MemoryDesc src, MemoryDesc weights,
            MemoryDesc bias, MemoryDesc dst, Window window, Attributes attributes) {
        return create(arena, "convolution", (out, engine, t) -> OneDnnC.dnnl_convolution_forward_primitive_desc_create(
                out, engine, INFERENCE, algorithm, src.handle(), weights.handle(), orNull(bias), dst.handle(),
                MemoryDesc.longs(t, window.strides()), MemoryDesc.longs(t, window.dilation()),
                MemoryDesc.longs(t, window.padLeft()), MemoryDesc.longs(t, window.padRight()), attributes.handle()));
    }

    /**
     * A convolution's way forward and back, for training.
     *
     * @param forward   dst from src, weights and bias
     * @param toSource  the source's gradient from the result's and the weights
     * @param toWeights gradients of weights and bias from the result's and the source
     */
    public record Training(PrimitiveDesc forward, PrimitiveDesc toSource, PrimitiveDesc toWeights) {
    }

    /** The three of a convolution whose gradients have the layouts of what they are of; bias may be null. */
    public static Training trainedConvolution(Arena arena, int algorithm, MemoryDesc src, MemoryDesc weights, MemoryDesc bias,
            MemoryDesc dst, Window window, Attributes attributes) {
        PrimitiveDesc forward = create(arena, "convolution", (out, engine, t) -> OneDnnC.dnnl_convolution_forward_primitive_desc_create(
                out, engine, OneDnnC.dnnl_forward_training(), algorithm, src.handle(), weights.handle(), orNull(bias), dst.handle(),
                MemoryDesc.longs(t, window.strides()), MemoryDesc.longs(t, window.dilation()),
                MemoryDesc.longs(t, window.padLeft()), MemoryDesc.longs(t, window.padRight()), attributes.handle()));
        PrimitiveDesc toSource = create(arena, "convolution backward data", (out, engine, t) ->
                OneDnnC.dnnl_convolution_backward_data_primitive_desc_create(out, engine, algorithm, src.handle(), weights.handle(),
                        dst.handle(), MemoryDesc.longs(t, window.strides()), MemoryDesc.longs(t, window.dilation()),
                        MemoryDesc.longs(t, window.padLeft()), MemoryDesc.longs(t, window.padRight()), forward.handle(),
                        attributes.handle()));
        PrimitiveDesc toWeights = create(arena, "convolution backward weights", (out, engine, t) ->
                OneDnnC.dnnl_convolution_backward_weights_primitive_desc_create(out, engine, algorithm, src.handle(), weights.handle(),
                        orNull(bias), dst.handle(), MemoryDesc.longs(t, window.strides()), MemoryDesc.longs(t, window.dilation()),
                        MemoryDesc.longs(t, window.padLeft()), MemoryDesc.longs(t, window.padRight()), forward.handle(),
                        attributes.handle()));
        return new Training(forward, toSource, toWeights);
    }

    /** Transposed convolution; bias may be null. */
    public static PrimitiveDesc deconvolution(Arena arena, MemoryDesc src, MemoryDesc weights,
            MemoryDesc bias, MemoryDesc dst, Window window, Attributes attributes) {
        return create(arena, "deconvolution", (out, engine, t) -> OneDnnC.dnnl_deconvolution_forward_primitive_desc_create(
                out, engine, INFERENCE, OneDnnC.dnnl_deconvolution_direct(), src.handle(), weights.handle(), orNull(bias),
                dst.handle(), MemoryDesc.longs(t, window.strides()), MemoryDesc.longs(t, window.dilation()),
                MemoryDesc.longs(t, window.padLeft()), MemoryDesc.longs(t, window.padRight()), attributes.handle()));
    }

    /** Pooling over a kernel of the given spatial size. */
    public static PrimitiveDesc pooling(Arena arena, int algorithm, MemoryDesc src, MemoryDesc dst,
            long[] kernel, Window window, Attributes attributes) {
        return create(arena, "pooling", (out, engine, t) -> OneDnnC.dnnl_pooling_forward_primitive_desc_create(
                out, engine, INFERENCE, algorithm, src.handle(), dst.handle(), MemoryDesc.longs(t, window.strides()),
                MemoryDesc.longs(t, kernel), MemoryDesc.longs(t, window.dilation()),
                MemoryDesc.longs(t, window.padLeft()), MemoryDesc.longs(t, window.padRight()), attributes.handle()));
    }

    /** Softmax or log-softmax along one axis. */
    public static PrimitiveDesc softmax(
            Arena arena, int algorithm, MemoryDesc src, MemoryDesc dst, int axis, Attributes attributes) {
        return create(arena, "softmax", (out, engine, t) -> OneDnnC.dnnl_softmax_forward_primitive_desc_create(
                out, engine, INFERENCE, algorithm, src.handle(), dst.handle(), axis, attributes.handle()));
    }

    /** dst = f(src, alpha, beta). */
    public static PrimitiveDesc eltwise(Arena arena, int algorithm, MemoryDesc src, MemoryDesc dst,
            float alpha, float beta, Attributes attributes) {
        return create(arena, "eltwise", (out, engine, t) -> OneDnnC.dnnl_eltwise_forward_primitive_desc_create(
                out, engine, INFERENCE, algorithm, src.handle(), dst.handle(), alpha, beta, attributes.handle()));
    }

    /** dst = src0 (op) src1; a dimension of 1 in src1 is broadcast. */
    public static PrimitiveDesc binary(Arena arena, int algorithm, MemoryDesc src0, MemoryDesc src1,
            MemoryDesc dst, Attributes attributes) {
        return create(arena, "binary", (out, engine, t) -> OneDnnC.dnnl_binary_primitive_desc_create(
                out, engine, algorithm, src0.handle(), src1.handle(), dst.handle(), attributes.handle()));
    }

    /** A copy into another layout or data type. */
    public static PrimitiveDesc reorder(Arena arena, MemoryDesc src, MemoryDesc dst, Attributes attributes) {
        return create(arena, "reorder", (out, engine, t) -> OneDnnC.dnnl_reorder_primitive_desc_create(
                out, src.handle(), engine, dst.handle(), engine, attributes.handle()));
    }

    /** Sources joined along an axis. */
    public static PrimitiveDesc concat(
            Arena arena, MemoryDesc dst, int axis, List<MemoryDesc> sources, Attributes attributes) {
        return create(arena, "concat", (out, engine, t) -> {
            MemorySegment array = t.allocate(OneDnnC.C_POINTER, sources.size());
            for (int i = 0; i < sources.size(); i++) {
                array.setAtIndex(OneDnnC.C_POINTER, i, sources.get(i).handle());
            }
            return OneDnnC.dnnl_concat_primitive_desc_create(
                    out, engine, dst.handle(), sources.size(), axis, array, attributes.handle());
        });
    }

    /** Nearest or linear resampling; the factors follow from the sizes. */
    public static PrimitiveDesc resampling(
            Arena arena, int algorithm, MemoryDesc src, MemoryDesc dst, Attributes attributes) {
        return create(arena, "resampling", (out, engine, t) -> OneDnnC.dnnl_resampling_forward_primitive_desc_create(
                out, engine, INFERENCE, algorithm, MemorySegment.NULL, src.handle(), dst.handle(), attributes.handle()));
    }

    /** Local response normalization. */
    public static PrimitiveDesc lrn(Arena arena, int algorithm, MemoryDesc src, MemoryDesc dst,
            long localSize, float alpha, float beta, float k, Attributes attributes) {
        return create(arena, "lrn", (out, engine, t) -> OneDnnC.dnnl_lrn_forward_primitive_desc_create(
                out, engine, INFERENCE, algorithm, src.handle(), dst.handle(), localSize, alpha, beta, k, attributes.handle()));
    }

    /** Layout of the source, in the given arena. */
    public MemoryDesc src(Arena arena, long... dims) {
        return query(arena, OneDnnC.dnnl_query_src_md(), 0, dims);
    }

    /** Layout of the weights, in the given arena. */
    public MemoryDesc weights(Arena arena, long... dims) {
        return query(arena, OneDnnC.dnnl_query_weights_md(), 0, dims);
    }

    /** Layout of the result, in the given arena. */
    public MemoryDesc dst(Arena arena, long... dims) {
        return query(arena, OneDnnC.dnnl_query_dst_md(), 0, dims);
    }

    /** Layout of the scratchpad, in the given arena; may be of 0 bytes. */
    public MemoryDesc scratchpad(Arena arena) {
        return query(arena, OneDnnC.dnnl_query_scratchpad_md(), 0);
    }

    /** Name of the implementation, as {@code brg_matmul:avx512_core}. */
    public String implementation() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(OneDnnC.C_POINTER);
            OneDnn.check("dnnl_primitive_desc_query", OneDnnC.dnnl_primitive_desc_query(
                    handle, OneDnnC.dnnl_query_impl_info_str(), 0, out));
            return out.get(OneDnnC.C_POINTER, 0).reinterpret(256).getString(0);
        }
    }

    private MemoryDesc query(Arena arena, int what, int index, long... dims) {
        MemorySegment borrowed = OneDnnC.dnnl_primitive_desc_query_md(handle, what, index);
        if (borrowed.address() == 0) {
            throw new OneDnnException("dnnl_primitive_desc_query_md", OneDnnC.dnnl_invalid_arguments());
        }
        return MemoryDesc.copyOf(arena, borrowed, dims);
    }

    MemorySegment handle() {
        return handle;
    }
}
