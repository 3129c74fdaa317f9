package dev.gatun.models.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.function.Predicate;

/**
 * Fields of a config.json, each checked as it is read: an error names the file, the field, what was expected and what was found. Remembers
 * what it was asked for, so that a model can {@linkplain #unread refuse or list} what it never honoured. A field that is null is absent.
 * One thread.
 */
public final class ConfigFields {
    private final Path file;
    private final String prefix;
    private final JsonNode json;
    private final Set<String> asked;

    private ConfigFields(Path file, String prefix, JsonNode json, Set<String> asked) {
        this.file = file;
        this.prefix = prefix;
        this.json = json;
        this.asked = asked;
    }

    /**
     * Fields of an object.
     *
     * @param file names it in messages
     * @param json an object, or a missing node for one without fields
     */
    public static ConfigFields of(Path file, JsonNode json) {
        return new ConfigFields(file, "", json, new ConcurrentSkipListSet<>());
    }

    /** Where the fields are. */
    public Path file() {
        return file;
    }

    /** Whether the field is there and not null; does not count as reading it. */
    public boolean has(String name) {
        return json.hasNonNull(name);
    }

    /** Whether the field is there and null; does not count as reading it. */
    public boolean isNull(String name) {
        return json.path(name).isNull();
    }

    /** Whether the field is a text, where it may be something else too; does not count as reading it. */
    public boolean isText(String name) {
        return json.path(name).isTextual();
    }

    /** Whether the field is a number, where it may be something else too; does not count as reading it. */
    public boolean isNumber(String name) {
        return json.path(name).isNumber();
    }

    private JsonNode node(String name) {
        asked.add(prefix + name);
        return has(name) ? json.get(name) : null;
    }

    private JsonNode required(String name, String expected) {
        JsonNode node = node(name);
        if (node == null) {
            throw error(name, expected);
        }
        return node;
    }

    /**
     * An integer that must be there.
     *
     * @throws WeightException if it is missing, not an integer, or not from min to max
     */
    public int integer(String name, int min, int max) {
        return integer(name, required(name, range(min, max)), min, max);
    }

    /** An integer, or another one if it is absent. */
    public int integer(String name, int min, int max, int otherwise) {
        JsonNode node = node(name);
        return node == null ? otherwise : integer(name, node, min, max);
    }

    private int integer(String name, JsonNode node, int min, int max) {
        // Some trainers write sizes as 12.0.
        boolean whole = node.isNumber() && node.doubleValue() == Math.rint(node.doubleValue());
        if (!whole || node.doubleValue() < min || node.doubleValue() > max) {
            throw error(name, range(min, max));
        }
        return (int) node.doubleValue();
    }

    private static String range(int min, int max) {
        return max == Integer.MAX_VALUE ? "an integer of " + min + " or more" : "an integer from " + min + " to " + max;
    }

    /**
     * A number that must be there.
     *
     * @throws WeightException if it is missing, not a number, or not finite
     */
    public double number(String name) {
        return number(name, required(name, "a number"));
    }

    /** A number, or another one if it is absent. */
    public double number(String name, double otherwise) {
        JsonNode node = node(name);
        return node == null ? otherwise : number(name, node);
    }

    private double number(String name, JsonNode node) {
        if (!node.isNumber() || !Double.isFinite(node.doubleValue())) {
            throw error(name, "a number");
        }
        return node.doubleValue();
    }

    /**
     * A text that must be there.
     *
     * @throws WeightException if it is missing or not a text
     */
    public String text(String name) {
        return text(name, required(name, "a text"));
    }

    /** A text, or another one, which may be null, if it is absent. */
    public String text(String name, String otherwise) {
        JsonNode node = node(name);
        return node == null ? otherwise : text(name, node);
    }

    private String text(String name, JsonNode node) {
        if (!node.isTextual()) {
            throw error(name, "a text");
        }
        return node.textValue();
    }

    /** True or false, or another one if it is absent. */
    public boolean flag(String name, boolean otherwise) {
        JsonNode node = node(name);
        if (node != null && !node.isBoolean()) {
            throw error(name, "true or false");
        }
        return node == null ? otherwise : node.booleanValue();
    }

    /**
     * What a word stands for.
     *
     * @param choices every word that is understood
     * @throws WeightException if the field is missing or another word
     */
    public <T> T choice(String name, Map<String, T> choices) {
        return choice(name, required(name, words(choices)), choices);
    }

    /** What a word stands for, or what is meant if it is absent. */
    public <T> T choice(String name, T otherwise, Map<String, T> choices) {
        JsonNode node = node(name);
        return node == null ? otherwise : choice(name, node, choices);
    }

    private <T> T choice(String name, JsonNode node, Map<String, T> choices) {
        if (!node.isTextual() || !choices.containsKey(node.textValue())) {
            throw error(name, words(choices));
        }
        return choices.get(node.textValue());
    }

    private static String words(Map<String, ?> choices) {
        return String.join(" or ", new TreeSet<>(choices.keySet()));
    }

    /**
     * A list of integers, or null if it is absent.
     *
     * @throws WeightException if it is not a list of integers from min to max
     */
    public int[] integers(String name, int min, int max) {
        List<JsonNode> list = list(name, n -> n.isIntegralNumber() && n.canConvertToInt() && n.intValue() >= min && n.intValue() <= max,
                "a list of integers from " + min + " to " + max);
        return list == null ? null : list.stream().mapToInt(JsonNode::intValue).toArray();
    }

    /** Two integers, the second -1 where it is null. */
    public record Pair(int first, int second) {
    }

    /**
     * A list of pairs of integers, as {@code [[1, 50259], [2, null]]}, or null if it is absent.
     *
     * @throws WeightException if it is something else, or an integer is below min or above max
     */
    public List<Pair> pairs(String name, int min, int max) {
        List<JsonNode> list = list(name, n -> n.isArray() && n.size() == 2 && isWithin(n.get(0), min, max)
                && (n.get(1).isNull() || isWithin(n.get(1), 0, max)), "a list of pairs of integers from " + min + " to " + max);
        return list == null ? null : list.stream().map(n -> new Pair(n.get(0).intValue(), n.get(1).isNull() ? -1 : n.get(1).intValue()))
                .toList();
    }

    private static boolean isWithin(JsonNode node, int min, int max) {
        return node.isIntegralNumber() && node.canConvertToInt() && node.intValue() >= min && node.intValue() <= max;
    }

    /** Names of the fields that are there and not null, in the order of the file; does not count as reading them. */
    public List<String> names() {
        return json.properties().stream().filter(p -> !p.getValue().isNull()).map(Map.Entry::getKey).toList();
    }

    /** A list of finite numbers, or null if it is absent. */
    public double[] numbers(String name) {
        List<JsonNode> list = list(name, n -> n.isNumber() && Double.isFinite(n.doubleValue()), "a list of numbers");
        return list == null ? null : list.stream().mapToDouble(JsonNode::doubleValue).toArray();
    }

    /** A list of texts, or null if it is absent. */
    public List<String> texts(String name) {
        List<JsonNode> list = list(name, JsonNode::isTextual, "a list of texts");
        return list == null ? null : list.stream().map(JsonNode::textValue).toList();
    }

    /** A list of anything, or null if it is absent. */
    public List<JsonNode> nodes(String name) {
        return list(name, n -> true, "a list");
    }

    private List<JsonNode> list(String name, Predicate<JsonNode> fits, String expected) {
        JsonNode node = node(name);
        if (node == null) {
            return null;
        }
        List<JsonNode> values = new ArrayList<>();
        node.forEach(values::add);
        if (!node.isArray() || !values.stream().allMatch(fits)) {
            throw error(name, expected);
        }
        return values;
    }

    /** The fields of an object in a field; without any if it is absent. What is read there counts as read here, as {@code a.b}. */
    public ConfigFields object(String name) {
        JsonNode node = node(name);
        if (node != null && !node.isObject()) {
            throw error(name, "an object");
        }
        return new ConfigFields(file, prefix + name + ".", node == null ? MissingNode.getInstance() : node, asked);
    }

    /**
     * Refuses a field that is honoured only at some values: absent, or one of these.
     *
     * @param values texts, numbers and booleans
     * @throws WeightException if it is something else
     */
    public void require(String name, Object... values) {
        JsonNode node = node(name);
        if (node != null && Arrays.stream(values).noneMatch(value -> is(node, value))) {
            String expected = String.join(" or ", Arrays.stream(values).map(String::valueOf).toList());
            throw error(name, values.length == 0 ? "no such field" : expected);
        }
    }

    private static boolean is(JsonNode node, Object value) {
        return switch (value) {
            case Number number -> node.isNumber() && node.doubleValue() == number.doubleValue();
            case Boolean flag -> node.isBoolean() && node.booleanValue() == flag;
            default -> node.isTextual() && node.textValue().equals(value);
        };
    }

    /** Counts fields as read that change nothing in what is computed, as {@code transformers_version}. */
    public void ignore(String... names) {
        for (String name : names) {
            asked.add(prefix + name);
        }
    }

    /** Fields that are there, not null, and that nobody has asked for, nested ones as {@code a.b}; in the order of the file. */
    public List<String> unread() {
        List<String> names = new ArrayList<>();
        collect(json, prefix, names);
        return names;
    }

    private void collect(JsonNode node, String path, List<String> names) {
        node.properties().forEach(property -> {
            String name = path + property.getKey();
            if (property.getValue().isNull()) {
                return;
            }
            if (!asked.contains(name)) {
                names.add(name);
            } else if (property.getValue().isObject() && asked.stream().anyMatch(a -> a.startsWith(name + "."))) {
                collect(property.getValue(), name + ".", names);
            }
        });
    }

    /** What is to be thrown about a field. */
    public WeightException error(String name, String expected) {
        String found = has(name) ? Clip.text(json.get(name)) : isNull(name) ? "null" : "missing";
        return new WeightException(file, prefix + name + " is " + found + ", expected " + expected);
    }
}
