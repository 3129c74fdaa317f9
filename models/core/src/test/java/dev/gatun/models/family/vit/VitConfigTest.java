package dev.gatun.models.family.vit;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gatun.models.checkpoint.ConfigFields;
import dev.gatun.models.testing.Goldens;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class VitConfigTest {

    /** transformers writes every field of its config classes. */
    @ParameterizedTest
    @ValueSource(strings = {"vit", "vit-wide", "deit", "deit-teacher"})
    void everyFieldIsHonouredOrKnownToChangeNothing(String name) throws IOException {
        Path file = Goldens.path("vit/" + name).resolve("config.json");
        ConfigFields fields = ConfigFields.of(file, new ObjectMapper().readTree(file.toFile()));
        VitConfig.of(fields);
        fields.ignore("architectures", "dtype", "id2label", "label2id", "transformers_version");
        assertEquals(List.of(), fields.unread());
    }
}
