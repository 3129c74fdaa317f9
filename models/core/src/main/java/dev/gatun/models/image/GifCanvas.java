package dev.gatun.models.image;

import java.awt.image.BufferedImage;
import java.awt.image.IndexColorModel;
import java.io.IOException;
import javax.imageio.ImageReader;
import javax.imageio.metadata.IIOMetadata;
import javax.imageio.metadata.IIOMetadataNode;
import org.w3c.dom.NodeList;

/**
 * Where the first frame of a GIF is on its canvas. As Pillow does it, a canvas is as large as its frame needs, and what the frame leaves
 * free has the frame's transparent colour, if it has one, otherwise the first of its palette.
 *
 * @param width  of the canvas
 * @param height of the canvas
 * @param left   of the frame
 * @param top    of the frame
 */
record GifCanvas(int width, int height, int left, int top) {
    private static final String STREAM = "javax_imageio_gif_stream_1.0";
    private static final String IMAGE = "javax_imageio_gif_image_1.0";

    static GifCanvas of(ImageReader reader) throws IOException {
        int left = number(reader.getImageMetadata(0), IMAGE, "ImageDescriptor", "imageLeftPosition");
        int top = number(reader.getImageMetadata(0), IMAGE, "ImageDescriptor", "imageTopPosition");
        int width = number(reader.getStreamMetadata(), STREAM, "LogicalScreenDescriptor", "logicalScreenWidth");
        int height = number(reader.getStreamMetadata(), STREAM, "LogicalScreenDescriptor", "logicalScreenHeight");
        return new GifCanvas(Math.max(width, left + reader.getWidth(0)), Math.max(height, top + reader.getHeight(0)), left, top);
    }

    private static int number(IIOMetadata metadata, String format, String element, String attribute) {
        NodeList found = ((IIOMetadataNode) metadata.getAsTree(format)).getElementsByTagName(element);
        return found.getLength() == 0 ? 0 : Integer.parseInt(((IIOMetadataNode) found.item(0)).getAttribute(attribute));
    }

    /** Puts the frame in its place. */
    Picture place(Picture frame, BufferedImage image) {
        if (frame.width() == width && frame.height() == height) {
            return frame;
        }
        byte[] samples = new byte[width * height * 3];
        if (image.getColorModel() instanceof IndexColorModel colours) {
            int free = colours.getRGB(Math.max(0, colours.getTransparentPixel()));
            for (int i = 0; i < samples.length; i++) {
                samples[i] = (byte) (free >> 16 - i % 3 * 8);
            }
        }
        for (int y = 0; y < frame.height(); y++) {
            System.arraycopy(frame.samples(), y * frame.width() * 3, samples, ((top + y) * width + left) * 3, frame.width() * 3);
        }
        return new Picture(width, height, 3, samples);
    }
}
