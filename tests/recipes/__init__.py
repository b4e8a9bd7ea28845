"""Recipes of artifacts: `fixtures/*/*/recipe.toml` read, compiled, zipped and judged."""

from tests.recipes.artifact import judge, make_artifact
from tests.recipes.native import Native, Need, compile_native
from tests.recipes.recipe import FIXTURES, BadRecipe, Expected, Recipe, natives_of_recipes, read_recipe, recipe_folders

__all__ = [
    "FIXTURES",
    "BadRecipe",
    "Expected",
    "Native",
    "Need",
    "Recipe",
    "compile_native",
    "judge",
    "make_artifact",
    "natives_of_recipes",
    "read_recipe",
    "recipe_folders",
]
