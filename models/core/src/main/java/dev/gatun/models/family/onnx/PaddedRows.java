package dev.gatun.models.family.onnx;

import dev.gatun.models.encode.TokenRows;
import dev.gatun.models.onnx.OnnxException;
import dev.gatun.models.onnx.OnnxInfo;
import dev.gatun.models.onnx.OnnxModel;
import dev.gatun.models.onnx.OnnxSession;
import dev.gatun.models.onnx.OnnxTensor;
import dev.gatun.models.onnx.OnnxType;
import dev.gatun.models.onnx.OnnxValue;
import dev.gatun.models.onnx.TextInput;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * A model of texts that runs as it is written, over [batch, sequence]: texts of similar lengths together, filled up to a length of few, and
 * the mask says so. Where what is computed of a text depends on those beside it, as dynamic quantization does, or nothing masks, each runs
 * by itself. Owns the model.
 */
final class PaddedRows implements TokenRows {
    /** Operators that look at all texts of a batch. */
    private static final List<String> TOGETHER = List.of("DynamicQuantizeLinear", "DynamicQuantizeMatMul", "DynamicQuantizeLSTM");
    private static final int STEP = 8;

    private final OnnxModel model;
    private final List<String> outputs;
    private final Map<TextInput, OnnxInfo> inputs;
    private final boolean alone;
    private final int columns;
    private final boolean perToken;
    /** Of a text; decided before there are sessions. */
    private int longest = Integer.MAX_VALUE;

    /**
     * @param outputs one, or several [batch, sequence] that are columns of a row for each token
     * @throws IllegalArgumentException if it is no model of texts, or the output is not rows of numbers
     */
    PaddedRows(OnnxModel model, String... outputs) {
        this.model = model;
        this.outputs = List.of(outputs);
        this.inputs = TextInput.of(model);
        this.alone = !inputs.containsKey(TextInput.MASK)
                || model.operators().keySet().stream().anyMatch(op -> TOGETHER.contains(op.substring(op.indexOf(':') + 1)));
        try (Session probe = newSession(1); Arena arena = Arena.ofConfined()) {
            int length = size(1) > 0 ? size(1) : 4;
            OnnxTensor rows = probe.run(arena, Texts.ofZeros(length), length);
            long[] dims = rows.dims();
            boolean fits = rows.type() == OnnxType.FLOAT && dims[0] == Math.max(1, size(0))
                    && (dims.length == 2 || dims.length == 3 && dims[1] == length);
            if (!fits) {
                throw new IllegalArgumentException("output " + this.outputs + " is " + rows
                        + ", expected FLOAT [batch, sequence, columns] or [batch, columns]");
            }
            this.perToken = dims.length == 3;
            this.columns = Math.toIntExact(dims[dims.length - 1]);
        }
    }

    /** Of an input's dimension; 0 if the file leaves it open. */
    private int size(int dim) {
        return inputs.get(TextInput.IDS).dims().get(dim) instanceof Long size && size > 0 ? Math.toIntExact(size) : 0;
    }

    boolean perToken() {
        return perToken;
    }

    int columns() {
        return columns;
    }

    boolean hasTypes() {
        return inputs.containsKey(TextInput.TYPES);
    }

    /**
     * Decides how long texts may be: as the file says, else as the folder does, else as long as the graph computes them, for a table of
     * positions may end anywhere.
     *
     * @param said  by the folder; 0 if it says nothing
     * @param usual the most that is tried
     */
    int decideLength(int said, int usual) {
        longest = size(1) > 0 ? size(1) : said > 0 ? said : runs(usual) ? usual : longestThatRuns(usual);
        return longest;
    }

    private int longestThatRuns(int tooLong) {
        int runs = 1;
        for (int fails = tooLong; fails - runs > 1;) {
            int middle = (runs + fails) / 2;
            if (runs(middle)) {
                runs = middle;
            } else {
                fails = middle;
            }
        }
        return runs;
    }

    private boolean runs(int length) {
        try (Session probe = newSession(1); Arena arena = Arena.ofConfined()) {
            probe.run(arena, Texts.ofZeros(length), length);
            return true;
        } catch (OnnxException e) {
            return false;
        }
    }

    @Override
    public Session newSession(int threads) {
        return new Session(model.newSession(threads));
    }

    @Override
    public long nativeByteSize() {
        return model.nativeByteSize();
    }

    @Override
    public void close() {
        model.close();
    }

    /** Texts of a run: their ids and types end to end, and where each begins. */
    private record Texts(MemorySegment ids, MemorySegment types, int[] starts, int[] lengths) {
        static Texts ofZeros(int length) {
            return new Texts(MemorySegment.NULL, MemorySegment.NULL, new int[1], new int[] {length});
        }

        int value(TextInput input, int text, int token) {
            boolean counts = token < lengths[text];
            MemorySegment values = input == TextInput.IDS ? ids : types;
            return switch (input) {
                case MASK -> counts ? 1 : 0;
                case POSITIONS -> token;
                case IDS, TYPES -> counts && !values.equals(MemorySegment.NULL)
                        ? values.getAtIndex(ValueLayout.JAVA_INT_UNALIGNED, (long) starts[text] + token) : 0;
            };
        }
    }

    /** Runs for one caller. */
    final class Session implements TokenRows.Session {
        private final OnnxSession session;

        private Session(OnnxSession session) {
            this.session = session;
        }

        @Override
        public void forward(MemorySegment ids, MemorySegment types, int start, int[] lengths, int count, MemorySegment dst) {
            int[] places = new int[count + 1];
            for (int i = 0; i < count; i++) {
                places[i + 1] = places[i] + lengths[i];
            }
            List<Integer> order = IntStream.range(0, count).filter(i -> lengths[i] > 0).boxed()
                    .sorted(Comparator.comparingInt(i -> lengths[i])).toList();
            for (int from = 0, to; from < order.size(); from = to) {
                int length = padded(lengths[order.get(from)]);
                int same = from + 1;
                while (!alone && same < order.size() && padded(lengths[order.get(same)]) == length) {
                    same++;
                }
                // Batches of few sizes: each is compiled.
                to = from + (size(0) > 0 ? size(0) : Integer.highestOneBit(same - from));
                int[] texts = order.subList(from, Math.min(to, same)).stream().mapToInt(i -> i).toArray();
                to = from + texts.length;
                try (Arena arena = Arena.ofConfined()) {
                    OnnxTensor rows = run(arena, new Texts(ids, types, Arrays.stream(texts).map(i -> start + places[i]).toArray(),
                            Arrays.stream(texts).map(i -> lengths[i]).toArray()), length);
                    for (int i = 0; i < texts.length; i++) {
                        long bytes = (perToken ? lengths[texts[i]] : 1L) * columns * Float.BYTES;
                        long row = (perToken ? places[texts[i]] : texts[i]) * (long) columns * Float.BYTES;
                        MemorySegment.copy(rows.segment(), (perToken ? (long) i * length : i) * columns * Float.BYTES, dst, row, bytes);
                    }
                }
            }
        }

        private int padded(int length) {
            int step = Math.max(STEP, Integer.highestOneBit(length) / 4);
            return size(1) > 0 ? size(1) : alone ? length : Math.min((length + step - 1) / step * step, longest);
        }

        private OnnxTensor run(Arena arena, Texts texts, int length) {
            int batch = Math.max(size(0), texts.lengths.length);
            Map<String, OnnxTensor> feed = new LinkedHashMap<>();
            inputs.forEach((input, info) -> {
                OnnxTensor tensor = OnnxTensor.allocate(arena, info.type(), batch, length);
                for (int i = 0; i < batch; i++) {
                    for (int k = 0; k < length; k++) {
                        // Of a batch that the file fixes, the last text fills what is left.
                        tensor.setWhole((long) i * length + k, texts.value(input, Math.min(i, texts.lengths.length - 1), k));
                    }
                }
                feed.put(info.name(), tensor);
            });
            Map<String, OnnxValue> results = session.run(feed);
            return outputs.size() == 1 ? (OnnxTensor) results.get(outputs.getFirst())
                    : columns(arena, outputs.stream().map(name -> (OnnxTensor) results.get(name)).toList());
        }

        private static OnnxTensor columns(Arena arena, List<OnnxTensor> columns) {
            OnnxTensor first = columns.getFirst();
            for (OnnxTensor column : columns) {
                if (column.type() != OnnxType.FLOAT || column.dims().length != 2 || !column.shape().equals(first.shape())) {
                    throw new IllegalArgumentException("outputs are " + columns + ", expected FLOAT [batch, sequence] each");
                }
            }
            OnnxTensor rows = OnnxTensor.allocate(arena, OnnxType.FLOAT, first.dims()[0], first.dims()[1], columns.size());
            for (long i = 0; i < rows.segment().byteSize() / Float.BYTES; i++) {
                float value = columns.get((int) (i % columns.size())).segment().getAtIndex(ValueLayout.JAVA_FLOAT, i / columns.size());
                rows.segment().setAtIndex(ValueLayout.JAVA_FLOAT, i, value);
            }
            return rows;
        }

        @Override
        public long nativeByteSize() {
            return session.nativeByteSize();
        }

        @Override
        public void close() {
            session.close();
        }
    }
}
