package dev.gatun.tensor.kernel;

import dev.gatun.bindings.kernels.Rotary;
import dev.gatun.bindings.kernels.RowKernels;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.op.EmbeddingOp;
import dev.gatun.tensor.op.RotaryOp;
import dev.gatun.tensor.op.SequencePoolOp;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/** What is done to tokens of sequences, by our own kernels. Indices are checked when they are met: the kernels follow them. */
final class SequenceKernels {
    private SequenceKernels() {
    }

    static CompiledOp embedding(EmbeddingOp op, List<TensorDesc> inputs, TensorDesc dst) {
        long rows = dst.shape().dim(0);
        long d = dst.shape().dim(1);
        RowKernels.Tables tables = new RowKernels.Tables(words(op.words()), op.words().rows() == null ? op.words().count() : 0,
                op.words().rows() == null && op.words().scores().narrow() != null ? op.words().scores().narrow().type() : 0,
                segment(op.positions()), segment(op.types()),
                op.norm() == null ? null : op.norm().gamma().segment(),
                op.norm() == null || op.norm().beta() == null ? null : op.norm().beta().segment(), op.scale(),
                op.norm() == null ? 0 : op.norm().eps());
        int types = op.positions() == null ? 1 : 2;
        return new KernelOp("embed", dst, CompiledOp.Sharing.NONE, binding -> {
            Indices ids = new Indices(binding, binding.inputs().get(0));
            Indices positions = op.positions() == null ? null : new Indices(binding, binding.inputs().get(1));
            Indices typeIds = op.typeIds() ? new Indices(binding, binding.inputs().get(types)) : null;
            Runnable kernel = RowKernels.embed(binding.arena(), tables, ids.copy(), positions == null ? null : positions.copy(),
                    typeIds == null ? null : typeIds.copy(), binding.dst().segment(), rows, d);
            return () -> {
                ids.take("ids", op.words().count());
                if (positions != null) {
                    positions.take("positions", op.positions().shape().dim(0));
                }
                if (typeIds != null) {
                    typeIds.take("types", op.types().shape().dim(0));
                }
                kernel.run();
            };
        });
    }

    private static MemorySegment words(EmbeddingOp.Words words) {
        return words.rows() != null ? words.rows().segment() : words.scores().narrow() != null ? words.scores().narrow().segment()
                : words.scores().panels().segment();
    }

    private static MemorySegment segment(Tensor tensor) {
        return tensor == null ? null : tensor.segment();
    }

    static CompiledOp rotary(RotaryOp op, List<TensorDesc> inputs, TensorDesc dst) {
        RotaryOp.Heads heads = op.heads();
        Rotary.Heads each = new Rotary.Heads(heads.queryHeads(), heads.keyHeads(), heads.headDim(), segment(op.queryNorm()),
                segment(op.keyNorm()), op.epsilon(), segment(op.table()), op.table() == null ? 0 : op.table().shape().dim(1),
                        heads.interleaved());
        long rows = dst.shape().dim(0);
        long columns = dst.shape().dim(1);
        long positions = op.table() == null ? 0 : op.table().shape().dim(0);
        return new KernelOp("rotary", dst, CompiledOp.Sharing.mayOverwrite(0), binding -> {
            MemorySegment x = binding.inputs().get(0).segment();
            MemorySegment to = binding.dst().segment();
            Indices places = op.table() == null ? null : new Indices(binding, binding.inputs().get(1));
            if (places == null || heads.positions()) {
                Runnable kernel = Rotary.atPositions(binding.arena(), each, x, to, rows, columns, places == null ? null : places.copy());
                return places == null ? kernel : () -> {
                    places.take("positions", positions);
                    kernel.run();
                };
            }
            Runnable kernel = Rotary.inSequences(binding.arena(), each, x, to, rows, columns, places.copy());
            return () -> {
                int longest = places.longest(places.takeSequences(rows));
                if (longest > positions) {
                    throw new IllegalArgumentException("Rotary: a sequence of " + longest + " tokens, the table has " + positions
                            + " positions");
                }
                kernel.run();
            };
        });
    }

    static CompiledOp pool(SequencePoolOp op, List<TensorDesc> inputs, TensorDesc dst) {
        long rows = inputs.get(0).shape().dim(0);
        long d = dst.shape().dim(1);
        return new KernelOp("pool", dst, CompiledOp.Sharing.NONE, binding -> {
            Indices sequences = new Indices(binding, binding.inputs().get(1));
            Runnable kernel = RowKernels.pool(binding.arena(), binding.inputs().get(0).segment(), sequences.copy(), binding.dst().segment(),
                    d,
                    op.kind().kernelCode(), op.normalize());
            return () -> {
                sequences.takeSequences(rows);
                kernel.run();
            };
        });
    }

    /** A row is a sequence of one row, of which the first is taken. */
    static CompiledOp normalize(TensorDesc dst) {
        long rows = dst.shape().dim(0);
        long d = dst.shape().dim(1);
        return new KernelOp("normalize", dst, CompiledOp.Sharing.NONE, binding -> {
            MemorySegment sequences = binding.own((rows + 2) * Integer.BYTES);
            sequences.setAtIndex(ValueLayout.JAVA_INT, 0, Math.toIntExact(rows));
            for (long i = 0; i <= rows; i++) {
                sequences.setAtIndex(ValueLayout.JAVA_INT, i + 1, (int) i);
            }
            return RowKernels.pool(binding.arena(), binding.inputs().get(0).segment(), sequences, binding.dst().segment(), d,
                    SequencePoolOp.Kind.FIRST.kernelCode(), true);
        });
    }
}
