package dev.gatun.bindings.onednn;

import dev.gatun.bindings.onednn.gen.OneDnnC;
import dev.gatun.bindings.onednn.gen.dnnl_exec_arg_t;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** The argument array of one primitive's execution: filled once, used by every execution. */
public final class Args {
    /** Argument indices of {@code dnnl_exec_arg_t}. */
    public static final int SRC = OneDnnC.DNNL_ARG_SRC_0();
    public static final int SRC_1 = OneDnnC.DNNL_ARG_SRC_1();
    public static final int DST = OneDnnC.DNNL_ARG_DST_0();
    public static final int WEIGHTS = OneDnnC.DNNL_ARG_WEIGHTS_0();
    public static final int BIAS = OneDnnC.DNNL_ARG_BIAS();
    public static final int SRC_GRADIENT = OneDnnC.DNNL_ARG_DIFF_SRC_0();
    public static final int DST_GRADIENT = OneDnnC.DNNL_ARG_DIFF_DST_0();
    public static final int WEIGHTS_GRADIENT = OneDnnC.DNNL_ARG_DIFF_WEIGHTS_0();
    public static final int BIAS_GRADIENT = OneDnnC.DNNL_ARG_DIFF_BIAS();
    public static final int SCRATCHPAD = OneDnnC.DNNL_ARG_SCRATCHPAD();

    private final List<Integer> indices = new ArrayList<>();
    private final List<Memory> memories = new ArrayList<>();

    /** Index of the i-th source of a primitive with any number of them (concat). */
    public static int multipleSrc(int i) {
        return OneDnnC.DNNL_ARG_MULTIPLE_SRC() + i;
    }

    /** Index of the scales that quantize or dequantize an argument. */
    public static int scalesOf(int argument) {
        return OneDnnC.DNNL_ARG_ATTR_SCALES() | argument;
    }

    /** Index of the second operand of the binary post-op at a position. */
    public static int binaryPostOp(int position) {
        return OneDnnC.DNNL_ARG_ATTR_MULTIPLE_POST_OP_BASE() * (position + 1) | SRC_1;
    }

    /** Adds an argument. */
    public Args with(int index, Memory memory) {
        indices.add(index);
        memories.add(memory);
        return this;
    }

    int size() {
        return indices.size();
    }

    MemorySegment build(Arena arena) {
        MemorySegment array = dnnl_exec_arg_t.allocateArray(indices.size(), arena);
        for (int i = 0; i < indices.size(); i++) {
            MemorySegment element = dnnl_exec_arg_t.asSlice(array, i);
            dnnl_exec_arg_t.arg(element, indices.get(i));
            dnnl_exec_arg_t.memory(element, memories.get(i).handle());
        }
        return array;
    }
}
