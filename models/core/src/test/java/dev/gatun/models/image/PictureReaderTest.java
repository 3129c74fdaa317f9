package dev.gatun.models.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.models.testing.Goldens;
import dev.gatun.models.checkpoint.SafetensorsFile;
import dev.gatun.models.checkpoint.WeightSource;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Against Pillow's pixels; see {@code src/test/oracle/image}. */
class PictureReaderTest {
    private static final ImagePreprocessor FIT =
            new ImagePreprocessor(3, 24, 20, 32, new float[3], new float[] {1, 1, 1});

    @TempDir
    Path folder;

    private static void assertPixels(String key, Picture actual, int tolerance) {
        try (Arena arena = Arena.ofConfined()) {
            WeightSource.Entry expected = SafetensorsFile.open(Goldens.path("image/expected.safetensors"), arena).entry(key);
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
        assertPixels(name + "/pixels", picture, name.equals("alpha.png") ? 1 : 0);
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
        assertPixels("rgb.png/enlarged", Resampler.resize(picture, 90, 100, 0, 0, 90, 100), 1);
        assertPixels("rgb.png/shrunk", Resampler.resize(picture, 5, 7, 0, 0, 5, 7), 1);
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
