package dev.gatun.models.train;

import dev.gatun.bindings.kernels.NativeBuffer;
import dev.gatun.bindings.kernels.TrainKernels;
import dev.gatun.bindings.onednn.Algorithms;
import dev.gatun.bindings.onednn.Args;
import dev.gatun.bindings.onednn.Attributes;
import dev.gatun.bindings.onednn.Memory;
import dev.gatun.bindings.onednn.MemoryDesc;
import dev.gatun.bindings.onednn.Primitive;
import dev.gatun.bindings.onednn.PrimitiveDesc;
import dev.gatun.bindings.onednn.Stream;
import dev.gatun.bindings.onednn.Tags;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.graph.Conv;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A convolution of signals or pictures by oneDNN's primitives of training, in plain layouts; compiled for the threads that
 * are set at that time.
 */
final class ConvRule implements Rule {
    private final Parameter weight;
    private final Parameter bias;
    private final MemorySegment dx;
    private final MemorySegment dWeight;
    private final MemorySegment dBias;
    private final MemorySegment dSource;
    private final Primitive.Execution forward;
    private final Primitive.Execution toWeights;
    private final Primitive.Execution toSource;

    /** @param dx null if nobody wants it */
    ConvRule(Arena arena, Conv conv, Parameter weight, Parameter bias, Tensor x, Tensor y, MemorySegment dx, MemorySegment dy) {
        this.weight = weight;
        this.bias = bias;
        this.dx = dx;
        this.dWeight = Rule.floats(arena, weight.value().shape().elementCount());
        this.dBias = bias == null ? null : Rule.floats(arena, bias.value().shape().elementCount());
        this.dSource = dx == null ? null : Rule.floats(arena, x.shape().elementCount());
        MemoryDesc src = desc(arena, x.shape());
        MemoryDesc dst = desc(arena, y.shape());
        MemoryDesc kernel = desc(arena, conv.groups() == 1 ? weight.value().shape() : grouped(weight.value().shape(), conv.groups()));
        MemoryDesc shift = bias == null ? null : desc(arena, bias.value().shape());
        PrimitiveDesc.Training descs = PrimitiveDesc.trainedConvolution(arena, Algorithms.CONVOLUTION_DIRECT, src, kernel, shift, dst,
                conv.window().oneDnn(), Attributes.create(arena));
        Stream stream = Stream.create(arena);
        Memory source = Memory.of(arena, src, x.segment());
        Memory weights = Memory.of(arena, kernel, weight.value().segment());
        Memory gradient = Memory.of(arena, dst, dy);
        Args args = new Args().with(Args.SRC, source).with(Args.WEIGHTS, weights).with(Args.DST, Memory.of(arena, dst, y.segment()));
        Args back = new Args().with(Args.SRC, source).with(Args.DST_GRADIENT, gradient).with(Args.WEIGHTS_GRADIENT, Memory.of(arena, kernel,
                dWeight));
        if (bias != null) {
            args.with(Args.BIAS, Memory.of(arena, shift, bias.value().segment()));
            back.with(Args.BIAS_GRADIENT, Memory.of(arena, shift, dBias));
        }
        this.forward = bind(arena, stream, descs.forward(), args);
        this.toWeights = bind(arena, stream, descs.toWeights(), back);
        this.toSource = dx == null ? null : bind(arena, stream, descs.toSource(), new Args().with(Args.DST_GRADIENT, gradient)
                .with(Args.WEIGHTS, weights).with(Args.SRC_GRADIENT, Memory.of(arena, src, dSource)));
    }

    private static MemoryDesc desc(Arena arena, Shape shape) {
        return MemoryDesc.ofTag(arena, shape.dims(), DataType.F32.oneDnn(), switch (shape.rank()) {
            case 1 -> Tags.A;
            case 3 -> Tags.ABC;
            case 4 -> Tags.ABCD;
            case 5 -> Tags.ABCDE;
            default -> throw new IllegalArgumentException("Conv over " + shape + " cannot be trained, only over signals and pictures");
        });
    }

    /** [OC, IC / groups, ...] as [groups, OC / groups, IC / groups, ...]. */
    private static Shape grouped(Shape weight, long groups) {
        long[] dims = new long[weight.rank() + 1];
        System.arraycopy(weight.dims(), 0, dims, 1, weight.rank());
        dims[0] = groups;
        dims[1] /= groups;
        return Shape.of(dims);
    }

    private static Primitive.Execution bind(Arena arena, Stream stream, PrimitiveDesc desc, Args args) {
        MemoryDesc scratchpad = desc.scratchpad(arena);
        if (scratchpad.byteSize() > 0) {
            args.with(Args.SCRATCHPAD, Memory.of(arena, scratchpad, NativeBuffer.allocate(arena, scratchpad.byteSize()).segment()));
        }
        return Primitive.create(arena, desc).bind(arena, stream, args);
    }

    @Override
    public void forward(boolean training) {
        forward.run();
    }

    @Override
    public void backward() {
        toWeights.run();
        TrainKernels.add(dWeight, weight.gradient().segment());
        if (bias != null) {
            TrainKernels.add(dBias, bias.gradient().segment());
        }
        if (dx != null) {
            toSource.run();
            TrainKernels.add(dSource, dx);
        }
    }
}
