package dev.gatun.bench.kernels;

import dev.gatun.bench.harness.Contender;
import dev.gatun.bindings.onednn.OneDnn;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.MemoryFormat;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.exec.BoundPlan;
import dev.gatun.tensor.exec.ExecutionContext;
import dev.gatun.tensor.exec.Lifetime;
import dev.gatun.tensor.exec.PlanBuilder;
import dev.gatun.tensor.exec.Value;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.AttentionOp;
import dev.gatun.tensor.op.ConvOp;
import dev.gatun.tensor.op.EltwiseOp;
import dev.gatun.tensor.op.LayerNormOp;
import dev.gatun.tensor.op.PoolOp;
import dev.gatun.tensor.op.ReorderOp;
import dev.gatun.tensor.op.SoftmaxOp;
import dev.gatun.tensor.op.Window;
import dev.gatun.tensor.weights.ConvWeights;
import dev.gatun.tensor.weights.LayerNormWeights;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A plan of one op. Pictures of more than three channels lie channels last, as within a network, where they are never
 * brought back; that is done for the comparison only.
 */
final class GatunKernel implements Contender {
    private final Arena arena = Arena.ofShared();
    private final ExecutionContext context = new ExecutionContext();
    private final BoundPlan plan;
    private final TensorDesc result;

    GatunKernel(KernelData data) {
        PlanBuilder builder = new PlanBuilder("kernel", new Lifetime("kernel"), arena, 1);
        Value src = builder.input("src", source(data));
        Value dst = add(builder, data, src);
        builder.output("dst", dst);
        result = dst.desc();
        plan = context.bind(builder.build());
        float[] values = source(data).isRowMajor() ? data.src() : channelsLast(data);
        MemorySegment.copy(values, 0, plan.input("src").segment(), ValueLayout.JAVA_FLOAT, 0, values.length);
        if (data.kind() == KernelData.Kind.ATTENTION) {
            int[] sequences = {1, 0, data.rows()};
            MemorySegment.copy(sequences, 0, plan.input("sequences").segment(), ValueLayout.JAVA_INT, 0, sequences.length);
        }
    }

    private static TensorDesc source(KernelData data) {
        if (data.window() == null) {
            return TensorDesc.of(DataType.F32, data.rows(), data.cols());
        }
        int c = data.window().c();
        return TensorDesc.of(DataType.F32, Shape.of(1, c, data.cols(), data.cols()),
                c > 3 ? MemoryFormat.CHANNELS_LAST : MemoryFormat.ROW_MAJOR);
    }

    private static float[] channelsLast(KernelData data) {
        int c = data.window().c();
        int plane = data.cols() * data.cols();
        float[] values = new float[c * plane];
        for (int i = 0; i < values.length; i++) {
            values[i % plane * c + i / plane] = data.src()[i];
        }
        return values;
    }

    private Value add(PlanBuilder builder, KernelData data, Value src) {
        return switch (data.kind()) {
            case CONV -> builder.add(new ConvOp(convolution(data), Window.square(data.window().stride(), data.window().pad()),
                    Activation.NONE), src);
            case SOFTMAX -> builder.add(new SoftmaxOp(-1, false), src);
            case LAYER_NORM -> builder.add(new LayerNormOp(new LayerNormWeights(Tensor.ofFloats(arena, data.first(), data.cols()),
                    Tensor.ofFloats(arena, data.second(), data.cols()), KernelData.EPS)), src);
            case GELU -> builder.add(new EltwiseOp(Activation.GELU_ERF), src);
            case ATTENTION -> builder.add(AttentionOp.packedSelf(KernelData.HEADS, KernelData.HEAD_DIM), src,
                    builder.input("sequences", TensorDesc.of(DataType.S32, 3)));
            case MAX_POOL -> builder.add(new PoolOp(PoolOp.Kind.MAX, new long[] {data.window().size(), data.window().size()},
                    Window.square(data.window().stride(), data.window().pad()), false), src);
        };
    }

    private ConvWeights convolution(KernelData data) {
        int size = data.window().size();
        Tensor weight = Tensor.ofFloats(arena, data.first(), data.rows(), data.window().c(), size, size);
        return ConvWeights.of(arena, new ConvWeights.Source(weight, Tensor.ofFloats(arena, data.second(), data.rows()), 1));
    }

    @Override
    public String version() {
        return "Gatun, oneDNN " + OneDnn.version();
    }

    @Override
    public void run() {
        plan.execute();
    }

    @Override
    public float[] output() {
        Tensor dst = plan.output("dst");
        if (result.isRowMajor()) {
            return dst.toFloats();
        }
        PlanBuilder builder = new PlanBuilder("plain", new Lifetime("plain"), arena, 1);
        builder.output("dst", builder.add(new ReorderOp(DataType.F32, MemoryFormat.ROW_MAJOR), builder.input("src", result)));
        try (ExecutionContext own = new ExecutionContext()) {
            BoundPlan plain = own.bind(builder.build());
            plain.input("src").segment().copyFrom(dst.segment());
            plain.execute();
            return plain.output("dst").toFloats();
        }
    }

    @Override
    public void close() {
        context.close();
        arena.close();
    }
}
