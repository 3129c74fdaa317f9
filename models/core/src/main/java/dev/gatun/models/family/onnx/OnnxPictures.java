package dev.gatun.models.family.onnx;

import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.onnx.OnnxInfo;
import dev.gatun.models.onnx.OnnxModel;
import dev.gatun.models.onnx.OnnxSession;
import dev.gatun.models.onnx.OnnxTensor;
import dev.gatun.models.onnx.OnnxType;
import dev.gatun.models.vision.HubPreprocessing;
import dev.gatun.models.vision.PictureRows;
import dev.gatun.models.vision.VisionModel;
import dev.gatun.models.vision.VisionSpec;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** An ONNX file that gives classes of pictures, FLOAT [batch, channels, height, width] to [batch, classes]. Owns the model. */
public final class OnnxPictures implements PictureRows {
    /** Of the network, for messages. */
    public static final String NAME = "onnx";

    private final OnnxModel model;
    private final OnnxInfo input;
    private final String output;
    private final VisionSpec.InputSize size;
    private final int channels;

    private OnnxPictures(OnnxModel model, Path folder) {
        this.model = model;
        List<OnnxInfo> inputs = model.inputs().values().stream().filter(i -> !i.hasDefault()).toList();
        this.input = inputs.size() == 1 ? inputs.getFirst() : null;
        if (input == null || input.type() != OnnxType.FLOAT || input.dims() == null || input.dims().size() != 4) {
            throw new IllegalArgumentException("has inputs " + model.inputs().values()
                    + ", expected one, FLOAT [batch, channels, height, width]");
        }
        if (dim(0) > 1) {
            throw new IllegalArgumentException("takes batches of " + dim(0) + " pictures, expected 1 or any");
        }
        this.output = model.outputs().containsKey("logits") ? "logits" : model.outputs().keySet().iterator().next();
        this.channels = dim(1) > 0 ? dim(1) : 3;
        this.size = dim(2) > 0 && dim(3) > 0 ? new VisionSpec.InputSize(dim(2), dim(3)) : HubPreprocessing.inputSize(folder, 224);
    }

    /** 0 if the file leaves it open. */
    private int dim(int i) {
        return input.dims().get(i) instanceof Long n && n > 0 ? Math.toIntExact(n) : 0;
    }

    /**
     * Loads a checkpoint's file; a picture of zeros is run, which says how many classes there are.
     *
     * @throws WeightException if it is no model of pictures
     */
    public static VisionModel load(Checkpoint checkpoint) {
        OnnxModel model = OnnxModel.load(checkpoint.weights());
        try {
            OnnxPictures pictures = new OnnxPictures(model, checkpoint.folder());
            int classes;
            try (Session probe = pictures.newSession(1); Arena arena = Arena.ofConfined()) {
                classes = probe.classes(arena);
            }
            return VisionModel.load(new VisionSpec(NAME, pictures.channels, pictures.size, 0, classes, classes, classes), pictures);
        } catch (IllegalArgumentException e) {
            model.close();
            throw new WeightException(checkpoint.weights(), e.getMessage(), e);
        } catch (RuntimeException | Error e) {
            model.close();
            throw e;
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

    /** Runs for one caller. */
    final class Session implements PictureRows.Session {
        private final OnnxSession session;

        private Session(OnnxSession session) {
            this.session = session;
        }

        private OnnxTensor run(MemorySegment pictures, int count) {
            return (OnnxTensor) session.run(Map.of(input.name(), OnnxTensor.of(OnnxType.FLOAT, pictures, count, channels, size.height(),
                    size.width()))).get(output);
        }

        private int classes(Arena arena) {
            long[] dims = run(arena.allocate(4L * channels * size.height() * size.width(), 64), 1).dims();
            long columns = 1;
            for (int i = 1; i < dims.length; i++) {
                columns *= dims[i];
            }
            if (dims.length < 2 || dims[0] != 1 || columns != dims[1]) {
                throw new IllegalArgumentException("output " + output + " is " + java.util.Arrays.toString(dims)
                        + ", expected [batch, classes]");
            }
            return Math.toIntExact(columns);
        }

        @Override
        public void forward(MemorySegment pictures, int count, MemorySegment rows) {
            long each = pictures.byteSize() / count;
            int batch = dim(0) > 0 ? 1 : count;
            for (int i = 0; i < count; i += batch) {
                MemorySegment result = run(pictures.asSlice(i * each, batch * each), batch).segment();
                MemorySegment.copy(result, 0, rows, rows.byteSize() / count * i, result.byteSize());
            }
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
