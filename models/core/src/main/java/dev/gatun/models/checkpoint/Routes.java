package dev.gatun.models.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** The ways that sentence-transformers' Router has for texts, by their task. */
final class Routes {
    private final Path file;
    private final JsonNode config;
    private final JsonNode structure;

    private Routes(Path folder) {
        Path usual = folder.resolve("router_config.json");
        file = ModelFile.present(usual) ? usual : folder.resolve("config.json");
        config = JsonFiles.object(file);
        structure = config.path("structure");
        if (!structure.isObject() || structure.isEmpty()) {
            throw new WeightException(file, "has no structure of routes and their modules");
        }
    }

    /** The modules of the route that texts of a task take, null for none. */
    static List<Checkpoint.Module> of(Path folder, String task) {
        Routes routes = new Routes(folder);
        String route = routes.route(task);
        JsonNode ids = routes.structure.path(route);
        if (!ids.isArray() || ids.isEmpty()) {
            throw new WeightException(routes.file, "structure has no modules of route " + Clip.text(route));
        }
        List<Checkpoint.Module> modules = new ArrayList<>();
        for (JsonNode id : ids) {
            modules.add(Checkpoint.module(routes.file, folder, routes.config.path("types").path(id.asText("")).asText(""), id.asText("")));
        }
        return modules;
    }

    /** As sentence-transformers looks for it: mappings from the closest to the loosest, a route of the task's name, the default one. */
    private String route(String task) {
        JsonNode parameters = config.path("parameters");
        JsonNode mappings = parameters.path("route_mappings");
        String quoted = task == null ? "None" : "'" + task + "'";
        for (String key : List.of("(" + quoted + ", 'text')", "(" + quoted + ", None)", "(None, 'text')", "(None, None)")) {
            if (mappings.path(key).isTextual()) {
                return mappings.path(key).textValue();
            }
        }
        String named = Stream.ofNullable(task).filter(structure::has).findFirst().orElse(structure.has("text") ? "text" : null);
        if (named != null) {
            return named;
        }
        List<String> names = structure.propertyStream().map(property -> property.getKey()).toList();
        JsonNode usual = parameters.path("default_route");
        if (task == null && usual.isTextual()) {
            return usual.textValue();
        }
        if (task != null || !parameters.path("allow_empty_key").asBoolean(true)) {
            throw new WeightException(file, "has no route for texts of " + (task == null ? "no task" : "task " + Clip.text(task))
                    + ", only " + Clip.text(String.join(", ", names)) + (task == null ? ": choose one" : ""));
        }
        return names.getFirst();
    }
}
