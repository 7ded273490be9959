"""What model cards plug into the engine, the shell and the audit log."""

from governance.approvals.registries import change_subjects
from governance.audit.registries import audit_actions
from governance.home.registries import NavigationItem, navigation
from governance.kernel.authority import Permission
from governance.kernel.registries import transition_tables
from governance.model_cards.rules import CARD_STATES, DEPLOYMENT_STATES
from governance.model_cards.subjects import CardSubject, DeploymentSubject

transition_tables.add("ModelCard.state", CARD_STATES)
transition_tables.add("Deployment.state", DEPLOYMENT_STATES)
change_subjects.add("model_card", CardSubject())
change_subjects.add("deployment", DeploymentSubject())

for action, sentence in {
    "model_card.created": "{actor} wrote the model card {subject}",
    "model_card.changed": "{actor} changed the draft {subject}",
    "model_card.withdrawn": "{actor} withdrew the draft {subject}",
    "deployment.created": "{actor} described the deployment {subject}",
    "deployment.changed": "{actor} changed the deployment {subject}",
    "deployment.running_changed": "{actor} changed how {subject} is run",
    "deployment.secret_replaced": "{actor} replaced the secret of {subject}",
    "deployment.suspend": "{actor} suspended the deployment {subject}",
    "deployment.resume": "{actor} resumed the deployment {subject}",
    "price.set": "{actor} set a price of {subject}",
}.items():
    audit_actions.add(action, sentence)

navigation.add(
    "models",
    NavigationItem("Build", "Models", "model_cards:list", "boxes", (Permission.MODEL_VIEW,), 30),
)
