package dev.gatun.models.checkpoint;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/** Writes safetensors files, from off-heap memory straight to the file. */
public final class SafetensorsWriter {
    private static final int ALIGNMENT = 8;
    private static final long CHUNK = 1 << 30;

    private SafetensorsWriter() {
    }

    /**
     * Writes row-major tensors. The wider element types come first, so that every tensor is aligned in the file; the
     * file appears under its name only when it is whole.
     *
     * @param tensors  by name; read only, owned by the caller
     * @param metadata the header's {@code __metadata__}; may be empty
     * @throws IOException              that names the file, if it cannot be written
     * @throws IllegalArgumentException if a tensor is not row-major
     */
    public static void write(Path file, Map<String, Tensor> tensors, Map<String, String> metadata) throws IOException {
        List<Map.Entry<String, Tensor>> order = new ArrayList<>(tensors.entrySet());
        order.sort(Comparator.comparingInt((Map.Entry<String, Tensor> e) -> -e.getValue().type().byteSize())
                .thenComparing(Map.Entry.comparingByKey()));
        ByteBuffer header = header(order, metadata);
        Path folder = file.toAbsolutePath().getParent();
        if (!Files.isDirectory(folder)) {
            throw new IOException(folder + ": is not a folder, cannot write " + file.getFileName());
        }
        // Not createTempFile: its files are for this user only, and the result should be as the umask says.
        Path temporary = folder.resolve(file.getFileName() + "." + UUID.randomUUID() + ".part");
        try {
            try (FileChannel channel = FileChannel.open(temporary, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW)) {
                writeFully(channel, header);
                for (Map.Entry<String, Tensor> entry : order) {
                    writeSegment(channel, entry.getValue().segment());
                }
                // A disk that is full may say so no earlier than now.
                channel.force(false);
            }
            Files.move(temporary, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new IOException(file + ": cannot be written: " + e.getMessage() + "; what was there before is as it was", e);
        } finally {
            Files.deleteIfExists(temporary);
        }
    }

    private static ByteBuffer header(List<Map.Entry<String, Tensor>> order, Map<String, String> metadata) throws IOException {
        ObjectMapper json = new ObjectMapper();
        ObjectNode root = json.createObjectNode();
        if (!metadata.isEmpty()) {
            ObjectNode node = root.putObject("__metadata__");
            metadata.entrySet().stream().sorted(Map.Entry.comparingByKey()).forEach(e -> node.put(e.getKey(), e.getValue()));
        }
        long offset = 0;
        for (Map.Entry<String, Tensor> entry : order) {
            Tensor tensor = entry.getValue();
            if (!tensor.desc().isRowMajor() || entry.getKey().equals("__metadata__")) {
                throw new IllegalArgumentException("tensor " + entry.getKey() + ": " + tensor.desc()
                        + " cannot be written, expected a row-major tensor with a name of its own");
            }
            ObjectNode node = root.putObject(entry.getKey()).put("dtype", typeName(tensor.type()));
            var dims = node.putArray("shape");
            for (long dim : tensor.shape().dims()) {
                dims.add(dim);
            }
            long end = Math.addExact(offset, tensor.segment().byteSize());
            node.putArray("data_offsets").add(offset).add(end);
            offset = end;
        }
        byte[] text = json.writeValueAsBytes(root);
        int padded = (text.length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        ByteBuffer header = ByteBuffer.allocate(Long.BYTES + padded).order(ByteOrder.LITTLE_ENDIAN);
        header.putLong(padded).put(text);
        while (header.hasRemaining()) {
            header.put((byte) ' ');
        }
        return header.flip();
    }

    private static String typeName(DataType type) {
        return switch (type) {
            case F32 -> "F32";
            case F16 -> "F16";
            case BF16 -> "BF16";
            case S8 -> "I8";
            case U8 -> "U8";
            case S32 -> "I32";
        };
    }

    private static void writeSegment(FileChannel channel, MemorySegment segment) throws IOException {
        for (long at = 0; at < segment.byteSize(); at += CHUNK) {
            writeFully(channel, segment.asSlice(at, Math.min(CHUNK, segment.byteSize() - at)).asByteBuffer());
        }
    }

    private static void writeFully(FileChannel channel, ByteBuffer buffer) throws IOException {
        while (buffer.hasRemaining()) {
            channel.write(buffer);
        }
    }
}
