package dev.gatun.bindings.onednn;

import dev.gatun.bindings.onednn.gen.OneDnnC;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Attributes of a primitive: post-ops, quantization, arithmetic. The scratchpad is always the user's:
 * oneDNN's own is tied to the creating thread, and executing on another crashes. Filled by one thread;
 * lives as long as its arena.
 */
public final class Attributes {
    private final MemorySegment handle;
    private final Arena arena;
    private MemorySegment postOps;
    private int postOpCount;

    private Attributes(MemorySegment handle, Arena arena) {
        this.handle = handle;
        this.arena = arena;
    }

    /** Attributes without post-ops. */
    public static Attributes create(Arena arena) {
        OneDnn.load();
        MemorySegment out = arena.allocate(OneDnnC.C_POINTER);
        OneDnn.check("dnnl_primitive_attr_create", OneDnnC.dnnl_primitive_attr_create(out));
        MemorySegment handle = Owned.handle(out, arena, OneDnnC::dnnl_primitive_attr_destroy);
        OneDnn.check("dnnl_primitive_attr_set_scratchpad_mode",
                OneDnnC.dnnl_primitive_attr_set_scratchpad_mode(handle, OneDnnC.dnnl_scratchpad_mode_user()));
        return new Attributes(handle, arena);
    }

    /** Appends {@code x -> f(x, alpha, beta)}; returns its position. */
    public int appendEltwise(int algorithm, float alpha, float beta) {
        OneDnn.check("dnnl_post_ops_append_eltwise",
                OneDnnC.dnnl_post_ops_append_eltwise(postOps(), algorithm, alpha, beta));
        return postOpCount++;
    }

    /** Appends {@code x -> x + scale * (dst - zeroPoint)} over the old content of dst; returns its position. */
    public int appendSum(float scale, int zeroPoint, int dataType) {
        OneDnn.check("dnnl_post_ops_append_sum",
                OneDnnC.dnnl_post_ops_append_sum(postOps(), scale, zeroPoint, dataType));
        return postOpCount++;
    }

    /** Appends {@code x -> x (op) other}; returns its position, for {@link Args#binaryPostOp}. */
    public int appendBinary(int algorithm, MemoryDesc other) {
        OneDnn.check("dnnl_post_ops_append_binary",
                OneDnnC.dnnl_post_ops_append_binary(postOps(), algorithm, other.handle()));
        return postOpCount++;
    }

    /** Scales of an argument are given at execution; mask bit i set: one for each index of dimension i. */
    public Attributes scales(int argument, int mask) {
        OneDnn.check("dnnl_primitive_attr_set_scales_mask",
                OneDnnC.dnnl_primitive_attr_set_scales_mask(handle, argument, mask));
        return this;
    }

    MemorySegment handle() {
        if (postOps != null) {
            OneDnn.check("dnnl_primitive_attr_set_post_ops",
                    OneDnnC.dnnl_primitive_attr_set_post_ops(handle, postOps));
        }
        return handle;
    }

    private MemorySegment postOps() {
        if (postOps == null) {
            MemorySegment out = arena.allocate(OneDnnC.C_POINTER);
            OneDnn.check("dnnl_post_ops_create", OneDnnC.dnnl_post_ops_create(out));
            postOps = Owned.handle(out, arena, OneDnnC::dnnl_post_ops_destroy);
        }
        return postOps;
    }
}
