package dev.gatun.models.image;

import com.drew.imaging.ImageMetadataReader;
import com.drew.imaging.ImageProcessingException;
import com.drew.metadata.exif.ExifIFD0Directory;
import java.awt.image.BufferedImage;
import java.awt.image.ColorModel;
import java.awt.image.ComponentColorModel;
import java.awt.image.DataBuffer;
import java.awt.image.Raster;
import java.awt.image.SampleModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.Locale;
import javax.imageio.IIOException;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.ImageTypeSpecifier;
import javax.imageio.stream.FileImageInputStream;
import javax.imageio.stream.ImageInputStream;
import javax.imageio.stream.MemoryCacheImageInputStream;

/**
 * Decodes what ImageIO knows (JPEG, PNG, GIF, BMP, TIFF; the first frame) to 8-bit RGB or grey: upright by EXIF,
 * transparency left out, 16-bit samples cut to 8, a GIF's frame on its canvas: what {@code convert("RGB")} of Pillow gives, and with it
 * what models were trained on. Colour profiles are ignored, as torchvision ignores them. Threads together take at most half of the
 * heap for decoding: a picture waits for others, or is refused if it needs more.
 * Thread-safe.
 */
public final class PictureReader {
    /** Larger pictures are refused unless the caller says otherwise. */
    public static final long DEFAULT_MAX_PIXELS = 64L << 20;

    /** Three bytes a pixel still fit one Java array. */
    private static final long HARD_MAX_PIXELS = Integer.MAX_VALUE / 3 - 8;

    private PictureReader() {
    }

    /**
     * Decodes a file. The size is read from the header and checked before memory is taken for the pixels.
     *
     * @param maxPixels refuses larger pictures
     * @throws PictureException if it is missing, not a plain file, not a picture, damaged, CMYK or too large for the limit or the heap
     */
    public static Picture read(Path file, long maxPixels) throws PictureException {
        return read(file, maxPixels, DecodeBudget.HEAP);
    }

    static Picture read(Path file, long maxPixels, DecodeBudget budget) throws PictureException {
        if (file == null) {
            throw new PictureException(null, "is no path, expected a file");
        }
        if (!Files.isRegularFile(file)) {
            throw new PictureException(file, Files.exists(file) ? "is not a file" : "does not exist");
        }
        if (!Files.isReadable(file)) {
            throw new PictureException(file, "may not be read by this user");
        }
        try (JpegStream jpeg = JpegStream.open(file);
                ImageInputStream in = jpeg == null ? new FileImageInputStream(file.toFile()) : new MemoryCacheImageInputStream(jpeg)) {
            Iterator<ImageReader> readers = ImageIO.getImageReaders(in);
            if (!readers.hasNext()) {
                throw new PictureException(file, "is not a picture of a known format (JPEG, PNG, GIF, BMP, TIFF)");
            }
            ImageReader reader = readers.next();
            try {
                boolean gif = reader.getFormatName().equalsIgnoreCase("gif");
                reader.setInput(in, true, !gif);
                return decode(file, reader, gif ? GifCanvas.of(reader) : null, maxPixels, budget);
            } finally {
                reader.dispose();
            }
        } catch (PictureException e) {
            throw e;
        } catch (OutOfMemoryError e) {
            throw new PictureException(file, "does not fit the heap: " + reason(e), e);
        } catch (IOException | RuntimeException e) {
            // The decoders of the JDK answer damaged files with many kinds of exceptions.
            throw new PictureException(file, "cannot be decoded: " + reason(e), e);
        }
    }

    private static Picture decode(Path file, ImageReader reader, GifCanvas canvas, long maxPixels, DecodeBudget budget) throws IOException {
        long width = canvas != null ? canvas.width() : reader.getWidth(0);
        long height = canvas != null ? canvas.height() : reader.getHeight(0);
        long limit = Math.min(maxPixels, HARD_MAX_PIXELS);
        if (width < 1 || height < 1 || width * height > limit) {
            throw new PictureException(file, "is " + width + " x " + height + " pixels, expected 1 to " + limit + " in all");
        }
        int orientation = orientation(file);
        // The decoder's image, the picture, and perhaps the picture turned.
        long needed = width * height * (pixelByteSize(reader) + (orientation > 1 ? 6 : 3));
        if (!budget.fits(needed)) {
            throw new PictureException(file, "is " + width + " x " + height + " pixels, which take " + (needed >> 20)
                    + " MiB to decode; half of the heap is " + (budget.byteSize() >> 20) + " MiB: make the picture smaller or -Xmx larger");
        }
        return budget.within(needed, () -> {
            BufferedImage image = image(file, reader);
            Picture picture = toPicture(file, image);
            return (canvas == null ? picture : canvas.place(picture, image)).oriented(orientation);
        });
    }

    private static long pixelByteSize(ImageReader reader) throws IOException {
        Iterator<ImageTypeSpecifier> types = reader.getImageTypes(0);
        if (!types.hasNext()) {
            return 4;
        }
        SampleModel model = types.next().getSampleModel();
        return Math.max(1, (long) model.getNumDataElements() * DataBuffer.getDataTypeSize(model.getDataType()) / Byte.SIZE);
    }

    private static BufferedImage image(Path file, ImageReader reader) throws IOException {
        String[] damage = new String[1];
        reader.addIIOReadWarningListener((source, warning) -> {
            if (warning.toLowerCase(Locale.ROOT).matches(".*(premature|corrupt|truncated|extraneous).*")) {
                damage[0] = warning;
            }
        });
        BufferedImage image;
        try {
            image = reader.read(0);
        } catch (IIOException e) {
            if (String.valueOf(e.getMessage()).startsWith("Unsupported Image Type")) {
                throw new PictureException(file, "has a colour model that is not supported (CMYK?); convert it to RGB", e);
            }
            throw e;
        }
        if (damage[0] != null) {
            throw new PictureException(file, "is damaged: " + damage[0]);
        }
        return image;
    }

    private static Picture toPicture(Path file, BufferedImage image) throws PictureException {
        ColorModel model = image.getColorModel();
        Raster raster = image.getRaster();
        int bands = raster.getNumBands();
        boolean plain = model instanceof ComponentColorModel && (raster.getTransferType() == DataBuffer.TYPE_BYTE
                || raster.getTransferType() == DataBuffer.TYPE_USHORT);
        if (plain && model.getNumColorComponents() == 4) {
            throw new PictureException(file, "is CMYK; convert it to RGB");
        }
        // Grey is taken from the raster: BufferedImage.getRGB would treat it as linear light and brighten it.
        return plain ? fromRaster(raster, bands, model.getComponentSize(0)) : fromArgb(image);
    }

    private static Picture fromRaster(Raster raster, int bands, int bits) {
        int width = raster.getWidth();
        int height = raster.getHeight();
        int channels = bands < 3 ? 1 : 3;
        int shift = Math.max(0, bits - Byte.SIZE);
        int max = (1 << Math.min(bits, Byte.SIZE)) - 1;
        byte[] samples = new byte[width * height * channels];
        int[] row = new int[width * bands];
        int out = 0;
        for (int y = 0; y < height; y++) {
            raster.getPixels(raster.getMinX(), raster.getMinY() + y, width, 1, row);
            for (int x = 0; x < width; x++) {
                for (int c = 0; c < channels; c++) {
                    samples[out++] = (byte) ((row[x * bands + c] >> shift) * 255 / max);
                }
            }
        }
        return new Picture(width, height, channels, samples);
    }

    private static Picture fromArgb(BufferedImage image) {
        int width = image.getWidth();
        int height = image.getHeight();
        byte[] samples = new byte[width * height * 3];
        int[] row = new int[width];
        int out = 0;
        for (int y = 0; y < height; y++) {
            image.getRGB(0, y, width, 1, row, 0, width);
            for (int argb : row) {
                samples[out++] = (byte) (argb >> 16);
                samples[out++] = (byte) (argb >> 8);
                samples[out++] = (byte) argb;
            }
        }
        return new Picture(width, height, 3, samples);
    }

    private static int orientation(Path file) {
        try {
            ExifIFD0Directory exif = ImageMetadataReader.readMetadata(file.toFile())
                    .getFirstDirectoryOfType(ExifIFD0Directory.class);
            Integer value = exif == null ? null : exif.getInteger(ExifIFD0Directory.TAG_ORIENTATION);
            return value == null ? 1 : value;
        } catch (ImageProcessingException | IOException | RuntimeException e) {
            // Pixels that decode are worth more than metadata that does not.
            return 1;
        }
    }

    private static String reason(Throwable e) {
        return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    }
}
