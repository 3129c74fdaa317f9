package dev.gatun.models.checkpoint;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.WireFormat;
import dev.gatun.tensor.Shape;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What Gatun needs of an ONNX model: the graph's nodes and its constant tensors. The file is read
 * with protobuf's wire format; tensors are read when they are asked for. Field numbers are those of onnx.proto.
 */
public final class OnnxFile {
    private static final int MODEL_GRAPH = 7;
    private static final int GRAPH_NODE = 1;
    private static final int GRAPH_INITIALIZER = 5;
    private static final int NODE_INPUT = 1;
    private static final int NODE_OUTPUT = 2;
    private static final int NODE_OP_TYPE = 4;
    private static final int NODE_ATTRIBUTE = 5;
    private static final int ATTRIBUTE_NAME = 1;
    private static final int ATTRIBUTE_FLOAT = 2;
    private static final int ATTRIBUTE_STRING = 4;
    private static final int ATTRIBUTE_TENSOR = 5;
    private static final int TENSOR_DIMS = 1;
    private static final int TENSOR_TYPE = 2;
    private static final int TENSOR_FLOATS = 4;
    private static final int TENSOR_INT64S = 7;
    private static final int TENSOR_NAME = 8;
    private static final int TENSOR_RAW = 9;
    private static final int TENSOR_LOCATION = 14;
    private static final int EXTERNAL = 1;
    private static final int MAX_RANK = 32;

    private final Path file;
    private final ModelFile source;
    private final Arena arena;
    private final List<Node> nodes = new ArrayList<>();
    private final Map<String, WeightSource.Entry> tensors = new LinkedHashMap<>();

    /**
     * A node of the graph.
     *
     * @param op      operator
     * @param inputs  names
     * @param outputs names
     * @param floats  float attributes by name
     * @param texts   string attributes by name
     */
    public record Node(String op, List<String> inputs, List<String> outputs, Map<String, Float> floats, Map<String, String> texts) {
    }

    private OnnxFile(Path file, ModelFile source, Arena arena) {
        this.file = file;
        this.source = source;
        this.arena = arena;
    }

    /**
     * Reads a file's nodes, and what it says of its tensors.
     *
     * @param arena owns what is read of them
     * @throws WeightException if it is not a whole ONNX file
     */
    public static OnnxFile open(Path file, Arena arena) {
        OnnxFile onnx = new OnnxFile(file, ModelFile.open(file), arena);
        try (InputStream stream = onnx.source.stream()) {
            CodedInputStream in = CodedInputStream.newInstance(stream);
            in.setSizeLimit(Integer.MAX_VALUE);
            onnx.model(in);
        } catch (IOException | IllegalArgumentException | ArithmeticException e) {
            throw new WeightException(file, "is not a whole ONNX file: " + Clip.text(e.getMessage()), e);
        }
        if (onnx.nodes.isEmpty()) {
            throw new WeightException(file, "is not an ONNX file: it has no graph");
        }
        return onnx;
    }

    /** In the file's order, those of subgraphs and functions left out. */
    public List<Node> nodes() {
        return nodes;
    }

    /** Initializers and values of Constant nodes. */
    public Map<String, WeightSource.Entry> tensors() {
        return tensors;
    }

    private interface Field {
        boolean read(int number, CodedInputStream in) throws IOException;
    }

    /** Reads the fields of a message to its end; what the reader does not take is skipped. */
    private static void fields(CodedInputStream in, Field field) throws IOException {
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            if (!field.read(WireFormat.getTagFieldNumber(tag), in)) {
                in.skipField(tag);
            }
        }
    }

    private interface Message {
        void read(CodedInputStream in) throws IOException;
    }

    private static boolean message(CodedInputStream in, Message message) throws IOException {
        int limit = in.pushLimit(in.readRawVarint32());
        message.read(in);
        if (in.getBytesUntilLimit() != 0) {
            throw new IOException("a message does not end where it says");
        }
        in.popLimit(limit);
        return true;
    }

    private void model(CodedInputStream in) throws IOException {
        fields(in, (number, i) -> number == MODEL_GRAPH && message(i, this::graph));
    }

    private void graph(CodedInputStream in) throws IOException {
        fields(in, (number, i) -> switch (number) {
            case GRAPH_NODE -> message(i, this::node);
            case GRAPH_INITIALIZER -> message(i, m -> tensor(m, null));
            default -> false;
        });
    }

    private void node(CodedInputStream in) throws IOException {
        List<String> inputs = new ArrayList<>();
        List<String> outputs = new ArrayList<>();
        Map<String, Float> floats = new LinkedHashMap<>();
        Map<String, String> texts = new LinkedHashMap<>();
        String[] op = {""};
        fields(in, (number, i) -> switch (number) {
            case NODE_INPUT -> inputs.add(i.readString());
            case NODE_OUTPUT -> outputs.add(i.readString());
            case NODE_OP_TYPE -> {
                op[0] = i.readString();
                yield true;
            }
            // Attributes follow the outputs in every writer there is: the name of a constant is known here.
            case NODE_ATTRIBUTE -> message(i, m -> attribute(m, outputs.isEmpty() ? "" : outputs.getFirst(), floats, texts));
            default -> false;
        });
        nodes.add(new Node(op[0], List.copyOf(inputs), List.copyOf(outputs), Map.copyOf(floats), Map.copyOf(texts)));
    }

    private void attribute(CodedInputStream in, String constant, Map<String, Float> floats, Map<String, String> texts) throws IOException {
        String[] name = {""};
        fields(in, (number, i) -> switch (number) {
            case ATTRIBUTE_NAME -> {
                name[0] = i.readString();
                yield true;
            }
            case ATTRIBUTE_FLOAT -> {
                floats.put(name[0], i.readFloat());
                yield true;
            }
            case ATTRIBUTE_STRING -> {
                texts.put(name[0], i.readBytes().toStringUtf8());
                yield true;
            }
            case ATTRIBUTE_TENSOR -> message(i, m -> tensor(m, constant));
            default -> false;
        });
    }

    /** What a TensorProto says, field by field. */
    private static final class Fields {
        private final List<Long> dims = new ArrayList<>();
        private float[] floats = new float[0];
        private long[] longs = new long[0];
        private int count;
        private int type;
        private String name = "";
        private long rawOffset = -1;
        private long rawSize;
        private int location;

        void dim(long size) throws IOException {
            if (dims.size() == MAX_RANK) {
                throw new IOException("tensor " + Clip.text(name) + " has more than " + MAX_RANK + " dimensions");
            }
            dims.add(size);
        }

        void add(float value) {
            floats = count == floats.length ? Arrays.copyOf(floats, Math.max(16, 2 * count)) : floats;
            floats[count++] = value;
        }

        void add(long value) {
            longs = count == longs.length ? Arrays.copyOf(longs, Math.max(16, 2 * count)) : longs;
            longs[count++] = value;
        }
    }

    private void tensor(CodedInputStream in, String constant) throws IOException {
        Fields tensor = new Fields();
        fields(in, (number, i) -> tensorField(tensor, number, i));
        String key = constant != null ? constant : tensor.name;
        String name = Clip.text(key);
        Shape shape = Shape.of(tensor.dims.stream().mapToLong(Long::longValue).toArray());
        String type = typeName(tensor.type);
        if (tensor.location == EXTERNAL) {
            tensors.put(key, new WeightSource.Entry(type, shape, Math.multiplyExact(shape.elementCount(), Elements.byteSize(type)), () -> {
                throw new WeightException(file, "tensor " + name + ": its data is in another file; export the model into one file");
            }));
            return;
        }
        boolean typed = type.equals("F32") || type.equals("I64");
        if (tensor.rawOffset < 0 && !typed) {
            return;
        }
        long found = tensor.rawOffset >= 0 ? tensor.rawSize : (long) tensor.count * Elements.byteSize(type);
        long expected = Math.multiplyExact(shape.elementCount(), Elements.byteSize(type));
        if (Elements.byteSize(type) != 0 && found != expected) {
            throw new WeightException(file, "tensor " + name + ": " + type + " " + shape + " takes " + expected
                    + " bytes, the file has " + found);
        }
        tensors.put(key, new WeightSource.Entry(type, shape, found, () -> tensor.rawOffset >= 0
                ? source.read(tensor.rawOffset, found, arena) : copy(tensor, type, found)));
    }

    private MemorySegment copy(Fields tensor, String type, long byteSize) {
        MemorySegment data = arena.allocate(byteSize, Long.BYTES);
        if (type.equals("F32")) {
            MemorySegment.copy(tensor.floats, 0, data, ValueLayout.JAVA_FLOAT, 0, tensor.count);
        } else {
            MemorySegment.copy(tensor.longs, 0, data, ValueLayout.JAVA_LONG, 0, tensor.count);
        }
        return data;
    }

    private boolean tensorField(Fields tensor, int number, CodedInputStream in) throws IOException {
        switch (number) {
            case TENSOR_DIMS -> repeated(in, () -> tensor.dim(in.readInt64()));
            case TENSOR_TYPE -> tensor.type = in.readInt32();
            case TENSOR_FLOATS -> {
                // A whole tensor of packed floats is what its raw bytes would be.
                if (WireFormat.getTagWireType(in.getLastTag()) == WireFormat.WIRETYPE_LENGTH_DELIMITED && tensor.count == 0
                        && tensor.rawOffset < 0) {
                    raw(tensor, in);
                } else if (tensor.rawOffset >= 0) {
                    throw new IOException("tensor " + Clip.text(tensor.name) + " has its floats in several parts");
                } else {
                    repeated(in, () -> tensor.add(in.readFloat()));
                }
            }
            case TENSOR_INT64S -> repeated(in, () -> tensor.add(in.readInt64()));
            case TENSOR_NAME -> tensor.name = in.readString();
            case TENSOR_RAW -> raw(tensor, in);
            case TENSOR_LOCATION -> tensor.location = in.readInt32();
            default -> {
                return false;
            }
        }
        return true;
    }

    private void raw(Fields tensor, CodedInputStream in) throws IOException {
        int size = in.readRawVarint32();
        long left = source.byteSize() - in.getTotalBytesRead();
        if (size < 0 || size > left) {
            throw new IOException("tensor " + Clip.text(tensor.name) + " claims " + Integer.toUnsignedString(size)
                    + " bytes, the file has " + left + " left");
        }
        tensor.rawOffset = in.getTotalBytesRead();
        tensor.rawSize = size;
        in.skipRawBytes(size);
    }

    private interface Element {
        void read() throws IOException;
    }

    /** A repeated number, packed (one length, then the numbers) or one by one. */
    private static void repeated(CodedInputStream in, Element element) throws IOException {
        if (WireFormat.getTagWireType(in.getLastTag()) != WireFormat.WIRETYPE_LENGTH_DELIMITED) {
            element.read();
            return;
        }
        int limit = in.pushLimit(in.readRawVarint32());
        while (in.getBytesUntilLimit() > 0) {
            element.read();
        }
        in.popLimit(limit);
    }

    private static String typeName(int type) {
        return switch (type) {
            case 1 -> "F32";
            case 2 -> "U8";
            case 3 -> "I8";
            case 6 -> "I32";
            case 7 -> "I64";
            case 9 -> "BOOL";
            case 10 -> "F16";
            case 11 -> "F64";
            case 16 -> "BF16";
            default -> "type " + type;
        };
    }
}
