# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 zapi.zapi contributors

# Private to this collection: it may change or be removed in any release, without notice.

"""Reports in Brazilian Portuguese. The words are those of Z-API's panel and documentation."""

from __future__ import annotations

import typing as t

from .language import Language
from .texts import Catalogue, Shown, Template, Values, if_any, printable, text

_CHECK_API_URL = "verifique se api_url é o endereço da API"
_REJECTED = "{request} foi rejeitada com o status {status}"
_ANSWERED = "{request} foi respondida com {answer}"
_OTHER_SHAPE = "{request} foi respondida com um JSON de outro formato"
_INCOMPLETE = "{request} não devolveu uma lista completa em {listings} tentativas"
_LISTING = "tente mais tarde ou com outro page_size, e verifique se api_url é o endereço da API"
_LAPSED = "a assinatura venceu: renove ou cancele"
_NO_INSTANCE = "nenhuma instância tem (mais) este ID e este token, verifique credentials"
_MAX_IDS = 10


def _filled(template: str, values: Values) -> str:
    return template.format_map(Shown(values, _CATALOGUE))


def _instances(number: int) -> str:
    return f"{number} {'instância' if number == 1 else 'instâncias'}"


def _ids(ids: t.Sequence[str]) -> str:
    more = f" e mais {len(ids) - _MAX_IDS}" if len(ids) > _MAX_IDS else ""
    return f"{', '.join(map(printable, ids[:_MAX_IDS]))}{more}"


def _unmatched_expectation(values: Values) -> str:
    subject = (
        "{expectation} não corresponde a nenhuma instância"
        if values["pattern"] is None
        else '{expectation}: o nome "{pattern}" não corresponde a nenhuma instância'
    )
    near = '; o nome mais parecido é "{nearest}"' if values["nearest"] else ""
    return _filled(f"{subject}{near}", values)


def _credentials_rejected(values: Values) -> str:
    first = text(values["first"], _CATALOGUE)
    return f"o servidor rejeita {len(values['ids'])} de {values['credentials']} credenciais: {_ids(values['ids'])}; a primeira: {first}"


_DERIVED: dict[str, t.Callable[[Values], str]] = {
    "answer": lambda values: f"o status {values['status']}" + (f' e "{values["said"]}"' if values["said"] else ""),
    "words": if_any("said", " ({said})"),
    "tries": lambda values: f" após {values['attempts']} tentativas" if values["attempts"] > 1 else "",
    "target_or_other": if_any("target", "{target}", "outro endereço"),
    "excluded": if_any("address", ", e {address} não é um deles"),
    "content_type_or_missing": if_any("content_type", "{content_type}", "ausente"),
    "max_changes_shown": lambda values: (
        f"{values['max_changes']}, no mínimo 10" if "%" in values["max_changes"] else values["max_changes"]
    ),
    "field_or_response": if_any("field", "{field}", "a resposta"),
}
TEXTS: dict[str, Template] = {
    "message": lambda values: str(values["message"]),
    # Rows of drift
    "unknown": "a API não devolveu este valor",
    "null": "a API devolveu null",
    "case": "a diferença está só nas letras maiúsculas e minúsculas",
    "muted": "silenciado: a Z-API não chama este webhook, veja settings.muted_webhooks",
    "foreign_hosts": "usado por {webhooks}",
    "subscription_lapsed": lambda values: _filled(_LAPSED if "request" not in values else f"{_ANSWERED}: {_LAPSED}", values),
    "restore_session": "restaure a sessão; não é preciso ler o QR code",
    "scan_qr_code": "leia o QR code",
    "placeholder_empty": "o valor de {placeholder} está vazio ou só tem pontos",
    "masked_difference": "a diferença está só na parte oculta, que show_url_secrets mostra",
    "nearest_name": 'o nome mais parecido é "{name}"',
    "nearest_id": 'o ID mais parecido é "{id}"',
    # Plans
    "any_placeholder": "não é possível configurar uma URL com {{any}}: o valor que fica nesse lugar não é conhecido",
    "no_token": "a API não devolveu o token da instância, necessário para as chamadas dela",
    "unknown_lists": "uma só chamada configura as duas listas de silenciados, e a API não devolveu as duas",
    "unknown_filter": "não se conhece uma chamada que silencie {filters}",
    "side_effect": "configurar {webhook} ativa esta opção",
    "side_effect_unknown": "isto ativa {setting}; a API não devolveu se já estava ativada",
    "nothing_managed": "nada foi alterado: nenhuma expectativa corresponde a qualquer das {instances} instâncias",
    "missing_instances": "nada foi alterado: faltam instâncias, e on_missing é error",
    "too_many_changes": "nada foi alterado: {needed} de {managed} instâncias gerenciadas precisam de alterações, e max_changes "
    "({max_changes_shown}) permite {limit}: revise o plano com --check --diff; max_changes=100% permite todas",
    # Outcomes of changes
    "after_failure": "não tentado, porque uma chamada anterior falhou: {error}",
    "old_value": "a chamada foi aceita, mas o valor antigo continua lá",
    "other_value": "o valor é outro: {value}; o servidor pode tê-lo normalizado",
    "set_despite_error": "o valor está configurado, embora a chamada tenha falhado: {error}",
    "not_returned": "não conferido: a API não devolve este valor",
    "not_read_back": "não conferido: {error}",
    "instance_gone": "a instância não existe mais",
    "canary_differs": "a primeira instância (canário) não ficou como configurada, e nenhuma outra foi alterada",
    "canary_not_read_back": "não foi possível conferir a primeira instância (canário), e nenhuma outra foi alterada: {error}",
    "canaries_rejected": "o servidor rejeitou as alterações das primeiras instâncias (canários, até {instances}), e nenhuma outra foi "
    "alterada: exclua-as com only, ou com uma expectativa que ignore estes atributos",
    "failures_in_a_row": "{instances} instâncias seguidas falharam, e as outras não foram tentadas",
    # Warnings
    "expectation_ended": "{expectation} terminou em {until} e não tem efeito",
    "http_url": "{expectation}: {attribute} está declarado com uma URL http, que envia mensagens sem criptografia ({url})",
    "unmatched_expectation": _unmatched_expectation,
    "unknown_name": '{expectation}: não se conhece uma instância com o nome "{name}", mas a API não devolveu todos os nomes',
    "unknown_names": lambda values: (
        f"a API não devolveu o nome de {_instances(len(values['ids']))}, por isso as expectativas para um nome não se aplicam: "
        f"{_ids(values['ids'])}"
    ),
    "unknown_filters": lambda values: (
        f"os filtros de silenciados de {_instances(values['instances'])} não são conhecidos: declare settings.muted_webhooks para "
        "verificá-los"
    ),
    "planned_filters": lambda values: (
        f"os filtros de silenciados de {_instances(values['instances'])} foram lidos só para este plano: declare "
        "settings.muted_webhooks para auditá-los"
    ),
    "empty_fleet": "a conta não tem instâncias: não há o que comparar",
    # The server rejects a request
    "redirected": "{request} foi redirecionada para {target_or_other} (status {status}); redirecionamentos nunca são seguidos: "
    "configure em api_url o endereço da própria API",
    "client_token_required": f"{_REJECTED}: a conta exige um Client-Token, configure client_token (variável de ambiente "
    "ZAPI_CLIENT_TOKEN) com o token de segurança da conta",
    "client_token_rejected": f"{_REJECTED}: o Client-Token está ausente ou errado, verifique client_token (variável de ambiente "
    "ZAPI_CLIENT_TOKEN): é o token de segurança da conta",
    "client_token_not_sent": f"{_REJECTED}: o servidor espera um Client-Token, que as chamadas de um parceiro não precisam: verifique "
    "api_url e a configuração de segurança da conta",
    "ip_not_allowed": f"{_REJECTED}: a conta só aceita os endereços IP da lista{{excluded}}: inclua nela o endereço desta máquina",
    "wrong_path": f"{_ANSWERED}: o servidor não tem esse caminho, {_CHECK_API_URL}",
    "partner_token_rejected": f"{_ANSWERED}: o token de parceiro está errado ou não pode listar instâncias, verifique partner_token "
    "(variável de ambiente ZAPI_PARTNER_TOKEN) e a configuração de segurança da conta",
    "credential_rejected": f"{_ANSWERED}: {_NO_INSTANCE}",
    "every_credential_rejected": f"{_ANSWERED}: {_NO_INSTANCE}; o servidor rejeita todas as credenciais, então verifique também api_url",
    "too_many_requests": f"{_ANSWERED}{{tries}}: requisições demais, reduza concurrency",
    "service_unavailable": f"{_ANSWERED}{{tries}}: o serviço está sobrecarregado ou com falha, tente mais tarde",
    "retry_after_too_long": f"{_ANSWERED}: o servidor pede para esperar {{seconds}} segundos, mais que o máximo de {{limit}}: "
    "tente mais tarde",
    "unexpected_status": f"{_ANSWERED}: {_CHECK_API_URL}",
    "call_rejected": "{request} foi rejeitada com {answer}",
    "value_false": '{request} foi respondida com {{"value": false}}: o servidor rejeita o valor',
    "not_json": f"{{request}} não foi respondida com JSON (content type {{content_type_or_missing}}): {_CHECK_API_URL} e se nenhum "
    "proxy responde no lugar dela",
    "unexpected_encoding": "{request} foi respondida com o Content-Encoding {encoding}, que não foi pedido: verifique api_url e os "
    "proxies no caminho",
    "credentials_rejected": _credentials_rejected,
    # A request gets no usable answer
    "deadline": "{request} falhou: a resposta de {server} não ficou completa em {seconds:g} segundos, 10 vezes o timeout: aumente "
    "timeout, ou reduza page_size ou concurrency",
    "timeout": "{request} falhou: {server} não enviou nada por {seconds:g} segundos{tries}: aumente timeout ou reduza concurrency",
    "too_large": "{request} falhou: as respostas de {server} passam de {limit} MiB: reduza page_size ou concurrency",
    "cut_off": "{request} falhou: a resposta de {server} foi cortada{tries}{words}: tente de novo, ou reduza page_size",
    "connection_failed": "{request} falhou: não foi possível conectar a {server}{tries}{words}: verifique api_url e a rede",
    "tls_failed": "{request} falhou: não há conexão TLS confiável com {server}{words}: verifique api_url, ca_path e os certificados do "
    "sistema",
    "proxy_failed": "{request} falhou: o proxy não conecta a {server}{tries}{words}: verifique as variáveis de ambiente {variable} e "
    "NO_PROXY",
    "invalid_proxy": "a variável de ambiente {variable} não é a URL de um proxy",
    "invalid_no_proxy": "não foi possível conectar a {server}: a variável de ambiente NO_PROXY contém um host inválido",
    "invalid_request": "{request} falhou: a requisição não pode ser enviada{words}: verifique api_url, ca_path e a variável de ambiente "
    "REQUESTS_CA_BUNDLE",
    "no_thread": "{request} falhou: esta máquina não consegue iniciar mais uma thread: tente quando estiver menos ocupada",
    # The answers do not add up
    "wrong_shape": f"{_OTHER_SHAPE}: {{field_or_response}} é {{found}} em vez de {{expected}}: {_CHECK_API_URL}",
    "other_instance": f"{{request}} foi respondida para outra instância: {_CHECK_API_URL}",
    "wrong_entry": f"{_OTHER_SHAPE}: o item {{position}} da página {{page}} é {{found}} em vez de object: {_CHECK_API_URL}",
    "entry_without_id": f"{_OTHER_SHAPE}: o item {{position}} da página {{page}} não tem ID: {_CHECK_API_URL}",
    "total_changed": f"{_INCOMPLETE}: o número de instâncias mudou de {{before}} para {{after}}: {_LISTING}",
    "instance_repeated": f"{_INCOMPLETE}: uma instância veio duas vezes, a segunda na página {{page}}: {_LISTING}",
    "page_length": f"{_INCOMPLETE}: a página {{page}} tem {{entries}} itens em vez de {{expected}}: {_LISTING}",
    "instances_missing": f"{_INCOMPLETE}: vieram {{entries}} de {{total}} instâncias: {_LISTING}",
    "listings_differ": f"{_INCOMPLETE}: duas listas seguidas tinham instâncias diferentes: {_LISTING}",
    "short_pages": "{request} devolveu menos itens que o tamanho da página, mesmo após {retries} tentativas (a última página tinha "
    "{entries}): " + _LISTING,
    "first_page": f"{{request}} devolveu {{entries}} itens na primeira página, e um total de {{total}}: {_LISTING}",
    "pages_without_instances": f"{{request}} devolveu um total de 0 instâncias em {{pages}} páginas: {_LISTING}",
    "page_size_zero": f"{{request}} devolveu o tamanho de página 0: {_LISTING}",
    "page_count": f"{{request}} devolveu {{pages}} páginas para {{total}} instâncias, com {{page_size}} em cada página: {_LISTING}",
    "wrong_page": f"{{request}} devolveu a página {{found}} em vez da página {{page}}: {_LISTING}",
}
_CATALOGUE = Catalogue(TEXTS, _DERIVED)

WORDS = {
    "title": "Auditoria de instâncias da Z-API",
    "verdict_in_sync": "Todas as instâncias estão como declarado",
    "verdict_drift": "Nem todas as instâncias estão como declarado",
    "verdict_partly": "Nem todas as instâncias estão como declarado, e nem todas as contas puderam ser auditadas",
    "verdict_not_audited": "A auditoria não pôde ser feita",
    "could_not_run": "A auditoria não pôde ser feita",
    "in_sync": "como declarado",
    "drift": "diferente do declarado",
    "not_audited": "não pôde ser auditada",
    "carried_over_account": "não verificada desta vez",
    "created_at": "Relatório de",
    "audited_at": "Auditada em",
    "managed": "Instâncias gerenciadas",
    "count_in_sync": "Como declarado",
    "count_drifted": "Diferentes do declarado",
    "count_missing": "Ausentes",
    "count_unmanaged": "Não gerenciadas",
    "compliance": "Conformidade",
    "count_new": "Diferenças novas",
    "count_resolved": "Diferenças resolvidas",
    "changed": "Valores alterados",
    "carried_over": "De um relatório anterior",
    "carried_over_note": "Algumas linhas são de um relatório anterior, pois as instâncias não foram verificadas desta vez.",
    "accounts": "Contas",
    "account": "Conta",
    "result": "Resultado",
    "by_attribute": "O que difere",
    "rows": "Linhas",
    "attribute": "Atributo",
    "instance": "Instância",
    "id": "ID",
    "actual": "Atual",
    "expected": "Esperado",
    "before": "Antes",
    "after": "Depois",
    "note": "Observação",
    "new": "Novo desde o último relatório",
    "is_new": "novo",
    "is_carried_over": "relatório anterior",
    "resolved": "Resolvido desde o último relatório",
    "changes": "Alterado nesta execução",
    "more": "Outras linhas, que só CSV, JSON e HTML contêm",
    "no_name": "sem nome",
    "details": "Todas as linhas",
    "filter": "Filtrar",
    "filter_hint": "Nome, ID, URL ou atributo",
    "all_attributes": "Todos os atributos",
    "only_new": "Só o que é novo",
    "shown": "Instâncias exibidas",
    "link": "Link para esta instância",
    "skip": "Ir para as linhas",
    "and": "e",
    "or": "ou",
    "kind_missing": "Ausente",
    "kind_unmanaged": "Não gerenciada",
    "kind_mismatch": "Diferença",
    "value_null": "nenhum",
    "value_true": "sim",
    "value_false": "não",
    "value_[]": "vazio",
    "expected_days_left": "no mínimo {}",
    "expected_webhook_hosts": "somente {}",
}
ATTRIBUTES = {
    "whatsapp_connected": "WhatsApp conectado",
    "phone_connected": "Celular conectado",
    "middleware": "Middleware",
    "payment_status": "Pagamento",
    "days_left": "Dias até o vencimento",
    "phone_number": "Número do telefone",
    "webhook_hosts": "Hosts dos webhooks",
    "webhooks.received": "Webhook ao receber",
    "webhooks.received_and_delivery": "Webhook ao receber, com as enviadas por mim",
    "webhooks.delivery": "Webhook ao enviar",
    "webhooks.message_status": "Webhook de status da mensagem",
    "webhooks.presence_chat": "Webhook de presença no chat",
    "webhooks.connected": "Webhook ao conectar",
    "webhooks.disconnected": "Webhook ao desconectar",
    "webhooks.received_status": "Webhook ao receber status",
    "settings.notify_sent_by_me": "Notificar as enviadas por mim",
    "settings.auto_read_message": "Ler mensagens automaticamente",
    "settings.auto_read_status": "Ler status automaticamente",
    "settings.call_reject_auto": "Rejeitar chamadas",
    "settings.call_reject_message": "Mensagem ao rejeitar chamadas",
    "settings.muted_webhooks": "Webhooks silenciados",
    "settings.muted_messages": "Mensagens silenciadas",
}
PORTUGUESE = Language(
    tag="pt-BR",
    reasons=_CATALOGUE,
    words=WORDS,
    attributes=ATTRIBUTES,
    thousands=".",
    decimal=",",
    date="{day}/{month}/{year} {clock} UTC",
)
