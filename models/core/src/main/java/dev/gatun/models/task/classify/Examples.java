package dev.gatun.models.task.classify;

import dev.gatun.models.checkpoint.SafetensorsFile;
import dev.gatun.models.image.ImagePreprocessor;
import dev.gatun.models.image.Picture;
import dev.gatun.models.image.PictureException;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Pictures with a class each, to learn from. Immutable; on the heap until they are resized. */
public final class Examples {
    private static final List<String> ENDINGS = List.of(".jpg", ".jpeg", ".png", ".gif", ".bmp", ".tif", ".tiff");
    private static final int LEAST_CLASSES = 2;

    private final List<String> labels;
    private final int[] classes;
    private final List<Source> sources;
    private final int channels;
    private final List<String> unreadable;

    /** Where a picture comes from; read again for each preprocessing. */
    private interface Source {
        Picture read() throws PictureException;
    }

    private Examples(List<String> labels, int[] classes, List<Source> sources, int channels, List<String> unreadable) {
        this.labels = labels;
        this.classes = classes;
        this.sources = sources;
        this.channels = channels;
        this.unreadable = unreadable;
    }

    /**
     * Finds the pictures of a folder that has a folder for each class, whose name is the label; classes are in the order of their names.
     * What cannot be read is left out, see {@link #unreadable}.
     *
     * @throws IOException              if the folder cannot be listed
     * @throws IllegalArgumentException if there are fewer than two classes, or a class has no picture that can be read
     */
    public static Examples of(Path folder) throws IOException {
        List<Path> folders = list(folder, Files::isDirectory);
        if (folders.size() < LEAST_CLASSES) {
            throw new IllegalArgumentException(folder + ": has " + folders.size() + " folders, expected two or more: one for each class");
        }
        List<Source> sources = new ArrayList<>();
        List<Integer> classes = new ArrayList<>();
        List<String> unreadable = new ArrayList<>();
        int channels = 1;
        for (int k = 0; k < folders.size(); k++) {
            int before = sources.size();
            for (Path file : list(folders.get(k), Examples::isPicture)) {
                try {
                    channels = Math.max(channels, Picture.read(file).channels());
                    sources.add(() -> Picture.read(file));
                    classes.add(k);
                } catch (PictureException e) {
                    unreadable.add(e.getMessage());
                }
            }
            if (sources.size() == before) {
                throw new IllegalArgumentException(folders.get(k) + ": has no picture that can be read"
                        + (unreadable.isEmpty() ? " (jpg, png, gif, bmp, tiff)" : ": " + unreadable.getLast()));
            }
        }
        return new Examples(folders.stream().map(f -> f.getFileName().toString()).toList(),
                classes.stream().mapToInt(Integer::intValue).toArray(), sources, channels, unreadable);
    }

    private static List<Path> list(Path folder, Predicate<Path> wanted) throws IOException {
        if (!Files.isDirectory(folder)) {
            throw new IOException(folder + ": is not a folder; expected one with a folder of pictures for each class");
        }
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(f -> !f.getFileName().toString().startsWith(".") && wanted.test(f)).sorted().toList();
        }
    }

    private static boolean isPicture(Path file) {
        String name = file.getFileName().toString().toLowerCase(Locale.ROOT);
        return Files.isRegularFile(file) && ENDINGS.stream().anyMatch(name::endsWith);
    }

    /** The 1,797 handwritten digits of 8 x 8 pixels that come with Gatun (UCI repository, Alpaydin and Kaynak, CC BY 4.0). */
    public static Examples digits() {
        try (Arena arena = Arena.ofConfined()) {
            SafetensorsFile file = VisionCheckpoint.digitExamples(arena);
            byte[] pixels = file.entry("pixels").bytes().toArray(ValueLayout.JAVA_BYTE);
            byte[] classes = file.entry("labels").bytes().toArray(ValueLayout.JAVA_BYTE);
            int bytes = pixels.length / classes.length;
            List<Source> sources = new ArrayList<>();
            for (int i = 0; i < classes.length; i++) {
                // Sixteen levels, two pixels to a byte.
                byte[] samples = new byte[2 * bytes];
                for (int j = 0; j < bytes; j++) {
                    samples[2 * j] = (byte) ((pixels[i * bytes + j] >> 4 & 15) * 17);
                    samples[2 * j + 1] = (byte) ((pixels[i * bytes + j] & 15) * 17);
                }
                int side = (int) Math.sqrt(samples.length);
                Picture picture = new Picture(side, side, 1, samples);
                sources.add(() -> picture);
            }
            return new Examples(IntStream.range(0, 10).mapToObj(Integer::toString).toList(),
                    IntStream.range(0, classes.length).map(i -> classes[i]).toArray(), sources, 1, List.of());
        }
    }

    /** Names of the classes. */
    public List<String> labels() {
        return labels;
    }

    /** How many pictures. */
    public int count() {
        return sources.size();
    }

    /** 1 if all are grey, else 3. */
    public int channels() {
        return channels;
    }

    /** Messages about pictures that were left out. */
    public List<String> unreadable() {
        return unreadable;
    }

    /** Labels S32 [count]. */
    Tensor targets(Arena arena) {
        return Tensor.ofInts(arena, classes, classes.length);
    }

    /** All pictures F32 [count, C, H, W], which live as long as the arena. */
    Tensor pictures(Arena arena, ImagePreprocessor preprocessor) throws IOException {
        Tensor all = Tensor.allocate(arena, TensorDesc.of(DataType.F32, count(), preprocessor.channels(), preprocessor.height(),
                preprocessor.width()));
        long bytes = preprocessor.elementCount() * Float.BYTES;
        for (int i = 0; i < count(); i++) {
            picture(i, preprocessor, all.segment().asSlice(i * bytes, bytes));
        }
        return all;
    }

    /** One picture F32 [C, H, W]. */
    void picture(int i, ImagePreprocessor preprocessor, MemorySegment to) throws IOException {
        try {
            preprocessor.write(sources.get(i).read(), to);
        } catch (PictureException e) {
            throw new IOException(e.getMessage(), e);
        }
    }
}
