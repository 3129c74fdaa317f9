package dev.gatun.models.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class ImagePreprocessorTest {
    private static float at(MemorySegment segment, int i) {
        return segment.getAtIndex(ValueLayout.JAVA_FLOAT, i);
    }

    @Test
    void planesAreNormalizedPerChannel() {
        Picture picture = new Picture(2, 1, 3, new byte[] {0, 51, (byte) 255, (byte) 255, 102, 0});
        ImagePreprocessor prep = new ImagePreprocessor(3, 1, 2, 0, new float[] {0, 0.2f, 0.5f}, new float[] {1, 0.1f, 0.5f});
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment dst = arena.allocate(6 * 4);
            prep.write(picture, dst);
            float[] expected = {0, 1, 0, 2, 1, -1};
            for (int i = 0; i < 6; i++) {
                assertEquals(expected[i], at(dst, i), 1e-6f);
            }
        }
    }

    @Test
    void greyAndColourAreBroughtToTheChannelsOfTheModel() {
        Picture grey = new Picture(1, 1, 1, new byte[] {102});
        Picture red = new Picture(1, 1, 3, new byte[] {(byte) 255, 0, 0});
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment dst = arena.allocate(3 * 4);
            new ImagePreprocessor(3, 1, 1, 0, new float[3], new float[] {1, 1, 1}).write(grey, dst);
            assertEquals(0.4f, at(dst, 0), 1e-6f);
            assertEquals(0.4f, at(dst, 2), 1e-6f);
            new ImagePreprocessor(1, 1, 1, 0, new float[1], new float[] {1}).write(red, dst);
            assertEquals(76 / 255f, at(dst, 0), 1e-6f);
        }
    }

    @Test
    void aConstantPictureStaysConstantAtAnySize() {
        byte[] samples = new byte[37 * 53 * 3];
        Arrays.fill(samples, (byte) 200);
        Picture picture = new Picture(37, 53, 3, samples);
        Picture fitted = ImagePreprocessor.imageNet().fit(picture);
        assertEquals(224, fitted.width());
        assertEquals(224, fitted.height());
        for (byte sample : fitted.samples()) {
            assertEquals((byte) 200, sample);
        }
    }

    @Test
    void wrongParametersAndSmallMemoryAreRefused() {
        float[] three = {1, 1, 1};
        assertThrows(IllegalArgumentException.class, () -> new ImagePreprocessor(2, 8, 8, 0, three, three));
        assertThrows(IllegalArgumentException.class, () -> new ImagePreprocessor(3, 0, 8, 0, three, three));
        assertThrows(IllegalArgumentException.class, () -> new ImagePreprocessor(3, 224, 224, 200, three, three));
        assertThrows(IllegalArgumentException.class, () -> new ImagePreprocessor(3, 8, 8, 0, three, new float[] {1, 0, 1}));
        assertThrows(IllegalArgumentException.class, () -> new ImagePreprocessor(3, 8, 8, 0, new float[1], three));
        assertThrows(IllegalArgumentException.class, () -> new ImagePreprocessor(3, 8, 8, 0, new float[] {0, Float.NaN, 0}, three));
        Picture picture = new Picture(1, 1, 1, new byte[1]);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment dst = arena.allocate(3 * 8 * 8 * 4 - 1);
            assertThrows(IllegalArgumentException.class,
                    () -> new ImagePreprocessor(3, 8, 8, 0, three, three).write(picture, dst));
        }
    }
}
