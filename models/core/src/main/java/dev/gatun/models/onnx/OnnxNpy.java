package dev.gatun.models.onnx;

import dev.gatun.models.io.NpyFile;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.LongStream;

/** Tensors as numpy's {@code .npy} files. */
public final class OnnxNpy {
    private static final int ALIGNMENT = 64;

    private OnnxNpy() {
    }

    /**
     * Reads a file; the memory is the arena's.
     *
     * @throws IOException that names the file and what is wrong with it
     */
    public static OnnxTensor read(Path file, Arena arena) throws IOException {
        NpyFile npy = NpyFile.open(file, arena);
        for (OnnxType type : OnnxType.values()) {
            if (npy.type().descr().equals(type.npy())) {
                return OnnxTensor.of(type, npy.data(), npy.shape().dims());
            }
        }
        throw new IOException(file + ": ONNX has no " + npy.type());
    }

    /**
     * Writes a tensor; the file appears when it is whole. Floats that numpy lacks are widened to float32.
     *
     * @throws IOException if it is of a type that numpy lacks, or cannot be written
     */
    public static void write(Path file, OnnxTensor tensor) throws IOException {
        OnnxType type = tensor.type().npy() != null ? tensor.type() : tensor.type().isReal() ? OnnxType.FLOAT : null;
        if (type == null) {
            throw new IOException(file + ": " + tensor + " cannot be written as .npy");
        }
        String dims = LongStream.of(tensor.dims()).mapToObj(d -> d + ",").collect(Collectors.joining(" "));
        StringBuilder header = new StringBuilder("{'descr': '" + type.npy() + "', 'fortran_order': False, 'shape': (" + dims + "), }");
        while ((header.length() + 11) % ALIGNMENT != 0) {
            header.append(' ');
        }
        header.append('\n');
        ByteBuffer start = ByteBuffer.allocate(10 + header.length());
        start.put((byte) 0x93).put("NUMPY".getBytes(StandardCharsets.US_ASCII)).put((byte) 1).put((byte) 0);
        start.put((byte) (header.length() & 0xff)).put((byte) (header.length() >> 8))
                .put(header.toString().getBytes(StandardCharsets.US_ASCII)).flip();
        Path part = file.resolveSibling(file.getFileName() + "." + UUID.randomUUID() + ".part");
        try (Arena arena = Arena.ofConfined(); FileChannel channel =
                FileChannel.open(part, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW)) {
            channel.write(start);
            MemorySegment bytes = type == tensor.type() ? tensor.segment() : widened(arena, tensor).segment();
            for (long at = 0; at < bytes.byteSize();) {
                at += channel.write(bytes.asSlice(at, Math.min(bytes.byteSize() - at, 1 << 30)).asByteBuffer());
            }
        }
        Files.move(part, file, StandardCopyOption.REPLACE_EXISTING);
    }

    private static OnnxTensor widened(Arena arena, OnnxTensor tensor) {
        OnnxTensor wide = OnnxTensor.allocate(arena, OnnxType.FLOAT, tensor.dims());
        for (long i = 0; i < tensor.size(); i++) {
            wide.put(i, tensor.real(i));
        }
        return wide;
    }
}
