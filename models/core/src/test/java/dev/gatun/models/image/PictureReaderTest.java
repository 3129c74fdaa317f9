package dev.gatun.models.image;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.models.checkpoint.SafetensorsFile;
import dev.gatun.models.checkpoint.WeightSource;
import dev.gatun.models.testing.Goldens;
import java.awt.color.ColorSpace;
import java.awt.color.ICC_Profile;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.zip.CRC32;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Against Pillow's pixels; see {@code src/test/oracle/image}. */
class PictureReaderTest {
    private static final ImagePreprocessor FIT =
            new ImagePreprocessor(3, 24, 20, 32, new float[3], new float[] {1, 1, 1});

    @TempDir
    Path folder;

    private static void assertPixels(String key, Picture actual, int tolerance) {
        assertPixels("image/expected.safetensors", key, actual, tolerance);
    }

    private static void assertPixels(String golden, String key, Picture actual, int tolerance) {
        try (Arena arena = Arena.ofConfined()) {
            WeightSource.Entry expected = SafetensorsFile.open(Goldens.path(golden), arena).entry(key);
            assertEquals(expected.shape().dim(0), actual.height(), key);
            assertEquals(expected.shape().dim(1), actual.width(), key);
            byte[] pixels = expected.bytes().toArray(ValueLayout.JAVA_BYTE);
            int channels = (int) expected.shape().dim(2);
            for (int i = 0; i < pixels.length; i++) {
                int at = actual.channels() == channels ? i : i / channels;
                int difference = Math.abs((pixels[i] & 0xff) - (actual.samples()[at] & 0xff));
                assertTrue(difference <= tolerance, key + ": sample " + i + " differs by " + difference);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"rgb.png", "grey.png", "bits.png", "palette.png", "alpha.png", "deep.png", "rgb.bmp", "tall.gif"})
    void losslessPicturesAreReadExactly(String name) throws IOException {
        Picture picture = Picture.read(Goldens.path("image/" + name));
        assertPixels(name + "/pixels", picture, 0);
        assertPixels(name + "/fitted", FIT.fit(picture), 1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"photo.jpg", "grey.jpg", "orientation-1.jpg", "orientation-2.jpg", "orientation-3.jpg",
        "orientation-4.jpg", "orientation-5.jpg", "orientation-6.jpg", "orientation-7.jpg", "orientation-8.jpg"})
    void jpegIsReadUpright(String name) throws IOException {
        Picture picture = Picture.read(Goldens.path("image/" + name));
        assertPixels(name + "/pixels", picture, 3);
        assertPixels(name + "/fitted", FIT.fit(picture), 2);
    }

    @Test
    void plainResizesAgreeWithPillow() throws IOException {
        Picture picture = Picture.read(Goldens.path("image/rgb.png"));
        assertPixels("rgb.png/enlarged", Resampler.resize(picture, Interpolation.BILINEAR, 90, 100, 0, 0, 90, 100), 0);
        assertPixels("rgb.png/shrunk", Resampler.resize(picture, Interpolation.BILINEAR, 5, 7, 0, 0, 5, 7), 0);
    }

    @ParameterizedTest
    @EnumSource(Interpolation.class)
    void filtersAgreeWithPillow(Interpolation filter) throws IOException {
        Picture picture = Picture.read(Goldens.path("image/rgb.png"));
        String golden = "image/filters.safetensors";
        assertPixels(golden, filter + "/enlarged", Resampler.resize(picture, filter, 67, 53, 0, 0, 67, 53), 0);
        assertPixels(golden, filter + "/shrunk", Resampler.resize(picture, filter, 5, 7, 0, 0, 5, 7), 0);
        assertPixels(golden, filter + "/mixed", Resampler.resize(picture, filter, 9, 60, 0, 0, 9, 60), 0);
        assertPixels(golden, filter + "/ties", Resampler.resize(picture, filter, 31, 27, 0, 0, 31, 27), 0);
        Picture part = Resampler.resize(picture, filter, 61, 47, 0, 0, 40, 45);
        assertPixels(golden, filter + "/edges", Resampler.resize(part, filter, 36, 35, 0, 0, 36, 35), 0);
    }

    @ParameterizedTest
    @ValueSource(strings = {"canvas-plain.gif", "canvas-transparent.gif", "canvas-local.gif", "canvas-beyond.gif"})
    void framesOfGifAreOnTheirCanvas(String name) throws IOException {
        assertPixels("image/filters.safetensors", name + "/pixels", Picture.read(Goldens.path("image/" + name)), 0);
    }

    /** In one part and in several, as profiles of more than 64 KB are. */
    @ParameterizedTest
    @ValueSource(ints = {1, 3})
    void colourProfilesOfJpegChangeNothing(int parts) throws IOException {
        byte[] profile = ICC_Profile.getInstance(ColorSpace.CS_LINEAR_RGB).getData();
        for (String name : new String[] {"photo.jpg", "grey.jpg", "orientation-6.jpg"}) {
            byte[] plain = Files.readAllBytes(Goldens.path("image/" + name));
            ByteArrayOutputStream with = new ByteArrayOutputStream();
            with.write(plain, 0, 2);
            for (int i = 0; i < parts; i++) {
                byte[] part = java.util.Arrays.copyOfRange(profile, profile.length * i / parts, profile.length * (i + 1) / parts);
                DataOutputStream segment = new DataOutputStream(with);
                segment.writeShort(0xffe2);
                segment.writeShort(2 + 14 + part.length);
                segment.writeBytes("ICC_PROFILE\0");
                segment.write(new byte[] {(byte) (i + 1), (byte) parts});
                segment.write(part);
            }
            with.write(plain, 2, plain.length - 2);
            Picture expected = Picture.read(Goldens.path("image/" + name));
            Picture actual = Picture.read(Files.write(folder.resolve(name), with.toByteArray()));
            assertEquals(expected.width(), actual.width(), name);
            assertArrayEquals(expected.samples(), actual.samples(), name);
        }
    }

    @Test
    void whatNeedsMoreHeapThanThereIsIsRefusedWithTheNumbers() throws IOException {
        Path small = Goldens.path("image/rgb.png");
        // 61 x 47 pixels of 3 bytes, twice.
        assertEquals(61, PictureReader.read(small, 1 << 20, new DecodeBudget(1 << 17)).width());
        BufferedImage large = new BufferedImage(700, 900, BufferedImage.TYPE_3BYTE_BGR);
        Path file = folder.resolve("large.png");
        ImageIO.write(large, "png", file.toFile());
        String message = assertThrows(PictureException.class, () -> PictureReader.read(file, 1 << 20,
                new DecodeBudget(1 << 20))).getMessage();
        assertTrue(message.contains("700 x 900 pixels, which take 3 MiB") && message.contains("1 MiB"), message);
        assertEquals(900, PictureReader.read(file, 1 << 20, new DecodeBudget(4 << 20)).height());
    }

    @Test
    void picturesWaitForEachOther() throws Exception {
        DecodeBudget budget = new DecodeBudget(1 << 20);
        AtomicInteger inside = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        Picture one = new Picture(1, 1, 1, new byte[1]);
        List<Thread> threads = new ArrayList<>();
        AtomicInteger done = new AtomicInteger();
        for (int t = 0; t < 8; t++) {
            threads.add(Thread.ofPlatform().start(() -> {
                try {
                    budget.within(600 << 10, () -> {
                        most.accumulateAndGet(inside.incrementAndGet(), Math::max);
                        Thread.yield();
                        inside.decrementAndGet();
                        return one;
                    });
                    done.incrementAndGet();
                } catch (IOException e) {
                    throw new AssertionError(e);
                }
            }));
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertEquals(8, done.get());
        assertEquals(1, most.get());
    }

    /** A heap that holds neither picture at once: the large one is refused, the small one is read. */
    @Test
    void aSmallHeapLosesOnePictureOnly() throws Exception {
        Path large = folder.resolve("large.png");
        ImageIO.write(new BufferedImage(8000, 8000, BufferedImage.TYPE_BYTE_BINARY), "png", large.toFile());
        Path rgb = folder.resolve("rgb.png");
        ImageIO.write(new BufferedImage(5000, 4000, BufferedImage.TYPE_3BYTE_BGR), "png", rgb.toFile());
        Process process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xmx64m", "-cp",
                System.getProperty("java.class.path"), Reading.class.getName(), rgb.toString(), large.toString(),
                Goldens.path("image/rgb.png").toString()).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), output);
        assertTrue(output.contains("rgb.png: is 5000 x 4000 pixels, which take 114 MiB") && output.contains("large.png: is 8000 x 8000")
                && output.endsWith("61 x 47\n"), output);
    }

    /** Reads the pictures that it is given, one after the other. */
    static final class Reading {
        private Reading() {
        }

        public static void main(String[] files) {
            for (String file : files) {
                try {
                    Picture picture = Picture.read(Path.of(file));
                    System.out.println(picture.width() + " x " + picture.height());
                } catch (PictureException e) {
                    System.out.println(e.getMessage());
                }
            }
        }
    }

    @Test
    void noPathAndNoPlainFileAreErrorsOfThatPicture() throws Exception {
        assertTrue(assertThrows(PictureException.class, () -> Picture.read(null)).getMessage().contains("is no path"));
        assertTrue(assertThrows(PictureException.class, () -> FIT.load(null,
                java.lang.foreign.MemorySegment.NULL)).getMessage().contains("is no path"));
        Path pipe = folder.resolve("pipe.png");
        Assumptions.assumeTrue(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor() == 0);
        assertTrue(refused(pipe).getMessage().contains("is not a file"));
    }

    private PictureException refused(Path file) {
        PictureException e = assertThrows(PictureException.class, () -> Picture.read(file));
        assertEquals(file, e.file());
        assertTrue(e.getMessage().startsWith(file.toString()), e.getMessage());
        return e;
    }

    @Test
    void everyPrefixOfALosslessPictureIsRefused() throws IOException {
        for (String name : new String[] {"rgb.png", "rgb.bmp", "photo.jpg", "tall.gif"}) {
            byte[] whole = Files.readAllBytes(Goldens.path("image/" + name));
            Path file = folder.resolve(name);
            for (int length = 0; length < whole.length - 64; length += 41) {
                Files.write(file, java.util.Arrays.copyOf(whole, length));
                refused(file);
            }
        }
    }

    @Test
    void damagedBytesGiveThePictureExceptionOrAPicture() throws IOException {
        java.util.Random random = new java.util.Random(5);
        for (String name : new String[] {"rgb.png", "photo.jpg", "tall.gif", "rgb.bmp", "deep.png"}) {
            byte[] whole = Files.readAllBytes(Goldens.path("image/" + name));
            Path file = folder.resolve(name);
            for (int round = 0; round < 60; round++) {
                byte[] damaged = whole.clone();
                for (int i = 0; i < 4; i++) {
                    damaged[random.nextInt(damaged.length)] = (byte) random.nextInt();
                }
                Files.write(file, damaged);
                try {
                    PictureReader.read(file, 1 << 20);
                } catch (PictureException e) {
                    assertTrue(e.getMessage().startsWith(file.toString()), e.getMessage());
                }
            }
        }
    }

    @Test
    void hugeHeadersAreRefusedBeforeMemoryIsTaken() throws IOException {
        Path file = folder.resolve("huge.png");
        Files.write(file, pngHeader(60_000, 60_000));
        String message = refused(file).getMessage();
        assertTrue(message.contains("60000 x 60000"), message);
        Path small = Goldens.path("image/rgb.png");
        assertThrows(PictureException.class, () -> PictureReader.read(small, 61 * 47 - 1));
        assertEquals(61, PictureReader.read(small, 61 * 47).width());
    }

    private static byte[] pngHeader(int width, int height) throws IOException {
        ByteArrayOutputStream chunk = new ByteArrayOutputStream();
        DataOutputStream data = new DataOutputStream(chunk);
        data.writeBytes("IHDR");
        data.writeInt(width);
        data.writeInt(height);
        data.write(new byte[] {8, 2, 0, 0, 0});
        CRC32 crc = new CRC32();
        crc.update(chunk.toByteArray());
        ByteArrayOutputStream png = new ByteArrayOutputStream();
        DataOutputStream out = new DataOutputStream(png);
        out.write(new byte[] {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'});
        out.writeInt(13);
        out.write(chunk.toByteArray());
        out.writeInt((int) crc.getValue());
        return png.toByteArray();
    }

    @Test
    void whatIsNotAPictureIsRefused() throws IOException {
        Path text = Files.write(folder.resolve("text.png"), "not a picture".getBytes(StandardCharsets.US_ASCII));
        assertTrue(refused(text).getMessage().contains("known format"));
        assertTrue(refused(folder.resolve("missing.png")).getMessage().contains("does not exist"));
        assertTrue(refused(folder).getMessage().contains("is not a file"));
        assertTrue(refused(Goldens.path("image/cmyk.jpg")).getMessage().contains("CMYK"));
    }
}
