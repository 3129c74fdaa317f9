package dev.gatun.models.task.text;

import dev.gatun.models.encode.TextEncoder;
import dev.gatun.models.layer.EncoderGraph;
import dev.gatun.models.layer.Positions;
import dev.gatun.models.runtime.PackedSequences;
import dev.gatun.models.tokenize.TextTokenizer;
import dev.gatun.models.train.Fit;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.graph.GraphBuilder;
import dev.gatun.tensor.graph.Port;
import java.lang.foreign.Arena;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;

/** An encoder whose layers are trained: its graph, and texts' tokens as its inputs, end to end. Memory of the arena that it is made in. */
final class ThawedEncoder implements Fit.Feed {
    private final Arena arena;
    private final TextEncoder encoder;
    private final PackedSequences packed;
    private final List<TextTokenizer.Tokens> texts;
    private final Tensor labels;
    private final int batch;
    private final Map<Long, Map<String, Tensor>> inputs = new HashMap<>();

    /**
     * Of an encoder and texts.
     *
     * @param labels S32, of each text
     * @param batch  texts of a step at most
     */
    ThawedEncoder(Arena arena, TextEncoder encoder, List<TextTokenizer.Tokens> texts, Tensor labels, int batch) {
        this.arena = arena;
        this.encoder = encoder;
        this.texts = texts;
        this.labels = labels;
        this.batch = batch;
        Positions.Absolute absolute = encoder.weights().positions() instanceof Positions.Absolute a ? a : null;
        this.packed = new PackedSequences(encoder.spec().vocabSize(), encoder.spec().typeCount(), encoder.spec().maxLength(),
                absolute == null ? 0 : absolute.firstPosition(), absolute == null ? -1 : absolute.padId());
    }

    /** Adds the encoder: the last layer's rows and the sequences. */
    Port[] add(GraphBuilder graph) {
        EncoderGraph layers = new EncoderGraph(graph, encoder.spec(), encoder.weights(), batch);
        return new Port[] {layers.hidden(), layers.sequences()};
    }

    @Override
    public Tensor labels() {
        return labels;
    }

    @Override
    public int rows() {
        return batch;
    }

    @Override
    public long checkSum() {
        CRC32 crc = new CRC32();
        for (TextTokenizer.Tokens text : texts) {
            crc.update(text.ids().length);
            for (int id : text.ids()) {
                crc.update(id);
                crc.update(id >> 8);
                crc.update(id >> 16);
            }
        }
        return crc.getValue();
    }

    @Override
    public Map<String, Tensor> inputs(int... examples) {
        long tokens = 0;
        for (int example : examples) {
            tokens += texts.get(example).ids().length;
        }
        // Few sizes, each of which keeps memory for all values.
        long size = Math.max(8, tokens == 1 ? 1 : Long.highestOneBit(tokens - 1) << 1);
        Map<String, Tensor> found = inputs.computeIfAbsent(size, this::memory);
        PackedSequences.begin(found.get(EncoderGraph.SEQUENCES).segment());
        Tensor ids = found.get(EncoderGraph.IDS);
        Tensor types = found.get(EncoderGraph.TYPES);
        ids.segment().fill((byte) 0);
        long at = 0;
        for (int example : examples) {
            TextTokenizer.Tokens text = texts.get(example);
            for (int i = 0; i < text.ids().length; i++, at++) {
                ids.setInt(at, text.ids()[i]);
                if (types != null) {
                    types.setInt(at, encoder.spec().typeCount() > 1 ? text.types()[i] : 0);
                }
            }
            PackedSequences.add(found.get(EncoderGraph.SEQUENCES).segment(), text.ids().length);
        }
        if (found.containsKey(EncoderGraph.POSITIONS)) {
            packed.positions(found.get(EncoderGraph.SEQUENCES).segment(), ids.segment(), found.get(EncoderGraph.POSITIONS).segment());
        }
        return found;
    }

    private Map<String, Tensor> memory(long tokens) {
        Map<String, Tensor> made = new HashMap<>();
        made.put(EncoderGraph.IDS, Tensor.allocate(arena, TensorDesc.of(DataType.S32, tokens)));
        made.put(EncoderGraph.SEQUENCES, Tensor.allocate(arena, TensorDesc.of(DataType.S32, batch + 2)));
        if (encoder.weights().positions() instanceof Positions.Absolute) {
            made.put(EncoderGraph.POSITIONS, Tensor.allocate(arena, TensorDesc.of(DataType.S32, tokens)));
        }
        if (encoder.weights().types() != null) {
            made.put(EncoderGraph.TYPES, Tensor.allocate(arena, TensorDesc.of(DataType.S32, tokens)));
        }
        return made;
    }
}
