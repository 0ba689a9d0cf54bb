"""One endpoint answering requests: who asks, how often, what exactly, the audit, the handler."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from aiohttp import web

from services.gateway.api import decoding
from services.gateway.api.answers import as_api_error, response_of
from services.gateway.api.arrival import ARRIVAL, Arrival
from services.gateway.api.auditing import Recorder, account_of
from services.gateway.api.authentication import admit, identify
from services.gateway.api.endpoint import Answer, Call, Caller, Endpoint, Limit
from services.gateway.api.origins import refuse_forged
from services.gateway.api.problems import ApiError
from services.gateway.api.surroundings import Surroundings
from shared.core.errors import TransfuseError
from shared.identity.identity import Identity

SEEN_HEADERS: Final = ("idempotency-key", "if-match", "if-none-match", "accept", "user-agent")
"""The headers that handlers may look at."""


class Route:
    """The way of a request through one endpoint. Raises what `failures` tells the caller."""

    def __init__(self, api: Surroundings, endpoint: Endpoint) -> None:
        self._api = api
        self._endpoint = endpoint
        self._recorder = Recorder(api.audit, endpoint, api.limits)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Admit, decode, act, record."""
        arrival = request[ARRIVAL]
        identity = await self._admitted(request, arrival)
        call = await self._call(request, arrival, identity)
        if self._endpoint.limit is Limit.SIGN_INS:
            return response_of(await self._signed_in(call, arrival), self._endpoint)
        return response_of(await self._acted(call), self._endpoint)

    async def _admitted(self, request: web.Request, arrival: Arrival) -> Identity | None:
        """Who asks, if they may and not too often."""
        identity: Identity | None = None
        try:
            refuse_forged(request, self._api.settings.cors_origins)
            identity = await identify(self._api.verifier, request, self._endpoint.permission)
        except ApiError as error:
            await self._api.limits.admit(arrival.address, None)
            await self._recorder.refused(arrival, None, error)
            raise
        except Exception:
            # Keys or a deny list that cannot be had: who asks again and again is counted all the same.
            await self._api.limits.admit(arrival.address, None)
            raise
        await self._api.limits.admit(arrival.address, identity, starts=self._endpoint.limit is Limit.STARTS)
        try:
            admit(identity, self._endpoint.permission)
        except ApiError as error:
            await self._recorder.refused(arrival, identity, error)
            raise
        return identity

    async def _call(self, request: web.Request, arrival: Arrival, identity: Identity | None) -> Call[Any, Any, Any]:
        endpoint = self._endpoint
        return Call(
            api=self._api,
            caller=Caller(identity=identity, address=arrival.address, request_id=str(arrival.request_id)),
            path=decoding.path(request.match_info, endpoint.parameters),
            query=decoding.query(request.query, endpoint.query),
            body=await _body(request, endpoint),
            headers={name: request.headers[name] for name in SEEN_HEADERS if name in request.headers},
            cookies=dict(request.cookies),
        )

    async def _signed_in(self, call: Call[Any, Any, Any], arrival: Arrival) -> Answer[Any]:
        """Act, where too many attempts did not fail before."""
        try:
            claims = await self._api.limits.try_sign_in(arrival.address, account_of(call))
        except ApiError as error:
            await self._recorder.went_wrong(call, error)
            raise
        failed = False
        try:
            return await self._acted(call)
        except TransfuseError as error:
            told = as_api_error(error)
            failed = told is not None and told.status is HTTPStatus.UNAUTHORIZED
            raise
        finally:
            if not failed:
                await self._api.limits.not_failed(claims)

    async def _acted(self, call: Call[Any, Any, Any]) -> Answer[Any]:
        await self._recorder.begun(call)
        try:
            given = await self._endpoint.handler(call)
        except TransfuseError as error:
            await self._recorder.went_wrong(call, as_api_error(error))
            raise
        except Exception:
            await self._recorder.went_wrong(call, None)
            raise
        answer: Answer[Any] = given if isinstance(given, Answer) else Answer(document=given)
        await self._recorder.done(call, answer)
        return answer


async def _body(request: web.Request, endpoint: Endpoint) -> Any:  # noqa: ANN401 - the Form that the endpoint names
    """The Form of the body; one of defaults where it may be left out and is."""
    if endpoint.body is None:
        return None
    if endpoint.body_optional and not request.can_read_body:
        return endpoint.body()
    return await decoding.body(request, endpoint.body)
