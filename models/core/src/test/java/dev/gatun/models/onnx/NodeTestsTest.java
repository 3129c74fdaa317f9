package dev.gatun.models.onnx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/**
 * ONNX's own backend node tests, by their own tolerances: the smallest of each operator are in an archive that
 * {@code src/test/oracle/onnx/node_tests.py} made; all of them are run with {@code -Dgatun.onnx.nodes=FOLDER} that it wrote.
 */
class NodeTestsTest {

    private static InputStream resource(String name) {
        return NodeTestsTest.class.getResourceAsStream("/onnx/" + name);
    }

    private static void unzip(String archive, Path folder) throws IOException {
        try (ZipInputStream zip = new ZipInputStream(resource(archive))) {
            for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
                Path file = folder.resolve(entry.getName());
                Files.createDirectories(file.getParent());
                Files.write(file, zip.readAllBytes());
            }
        }
    }

    private static List<Pattern> excluded() throws IOException {
        try (InputStream in = resource("excluded.txt")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().filter(l -> !l.startsWith("#") && !l.isBlank())
                    .map(l -> Pattern.compile(l.split("\t")[0])).toList();
        }
    }

    /** Runs what is not excluded, prints the count, and gives what did not pass. */
    private static List<String> failures(Path folder, int[] count) throws IOException {
        List<String> failed = failures(folder, Specialist.SMALLEST, count);
        // And with whatever Gatun's operations compute as plans, however small.
        failed.addAll(failures(folder, 0, new int[1]));
        return failed;
    }

    private static List<String> failures(Path folder, long smallest, int[] count) throws IOException {
        List<Pattern> excluded = excluded();
        List<String> failed = new ArrayList<>();
        for (Path each : OnnxTestFolder.find(folder)) {
            String name = each.getFileName().toString();
            if (excluded.stream().anyMatch(p -> p.matcher(name).matches())) {
                continue;
            }
            OnnxTestFolder.Outcome outcome = OnnxTestFolder.verify(each, smallest);
            count[0]++;
            if (outcome.result() != OnnxTestFolder.Result.PASS) {
                failed.add(name + ": " + outcome.result() + ", " + outcome.detail());
            }
        }
        System.out.println("ONNX tests: " + (count[0] - failed.size()) + " of " + count[0] + " pass");
        return failed;
    }

    @Test
    void theSmallestOfEachOperatorPass(@TempDir Path folder) throws IOException {
        unzip("node-tests.zip", folder);
        int[] count = new int[1];
        assertEquals(List.of(), failures(folder, count));
        assertTrue(count[0] > 300, count[0] + " tests");
    }

    /** Exports of PyTorch with random weights, and what ONNX Runtime computed: what nodes alone do not show, patterns and native plans. */
    @Test
    void exportsAgreeWithOnnxRuntime(@TempDir Path folder) throws IOException {
        unzip("exports.zip", folder);
        assertEquals(List.of(), failures(folder, new int[1]));
    }

    /** Operators of com.microsoft, and what ONNX Runtime computes: {@code src/test/oracle/onnx/microsoft.py}. */
    @Test
    void operatorsOfMicrosoftAgreeWithOnnxRuntime(@TempDir Path folder) throws IOException {
        unzip("microsoft.zip", folder);
        assertEquals(List.of(), failures(folder, new int[1]));
    }

    /** Nearly a pattern, or at the edge of an operator: {@code src/test/oracle/onnx/deviations.py}. */
    @Test
    void whatIsNearlyAPatternIsComputedAsWritten(@TempDir Path folder) throws IOException {
        unzip("deviations.zip", folder);
        int[] count = new int[1];
        assertEquals(List.of(), failures(folder, count));
        assertTrue(count[0] >= 15, count[0] + " graphs");
    }

    /** Networks that quantize_static wrote, and what ONNX's own reference computes: {@code src/test/oracle/onnx/quantized.py}. */
    @Test
    void quantizedNetworksAgreeWithTheReference(@TempDir Path folder) throws IOException {
        unzip("quantized.zip", folder);
        int[] count = new int[1];
        assertEquals(List.of(), failures(folder, count));
        assertEquals(10, count[0]);
    }

    @Test
    @EnabledIfSystemProperty(named = "gatun.onnx.nodes", matches = ".+")
    void ninetyFiveOfHundredPass() throws IOException {
        int[] count = new int[1];
        List<String> failed = failures(Path.of(System.getProperty("gatun.onnx.nodes")), count);
        failed.forEach(System.out::println);
        assertTrue(failed.size() <= count[0] * 0.05, failed.size() + " of " + count[0] + " fail");
    }

    @Test
    void everyOperatorThatIsMissingIsNamed(@TempDir Path folder) {
        OnnxException e = org.junit.jupiter.api.Assertions.assertThrows(OnnxException.class, () -> OnnxModel.load(
                OnnxFiles.write(folder, OnnxFiles.model(OnnxFiles.node("Unheard", "x", "y"), OnnxFiles.node("Unseen", "y", "z")))));
        assertEquals(2, e.unsupported().size(), e.getMessage());
        assertTrue(e.getMessage().contains("Unheard") && e.getMessage().contains("Unseen"), e.getMessage());
    }
}
